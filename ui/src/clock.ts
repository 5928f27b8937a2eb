/**
 * The time by which relative times are shown. It goes on every few seconds while the page is visible.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** Milliseconds between two steps. */
const STEP_MS = 5000;

/** The time now, in milliseconds since 1970. */
export const now = signal(Date.now());

/**
 * The time of this moment. What is rendered with it is rendered again at the next step. Something may have happened
 * since the last step, which must not be in the future.
 */
export function thisMoment(): number {
  return Math.max(now.value, Date.now());
}

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, STEP_MS);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});

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

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, STEP_MS);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});

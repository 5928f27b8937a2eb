/**
 * What the page needs to know of the window.
 *
 * @module
 */

import { signal } from "@preact/signals";

const narrow = matchMedia("(max-width: 720px)");

/** Whether the window is narrow, as on a phone. The style sheet has the same limit. */
export const isNarrow = signal(narrow.matches);

narrow.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});

/**
 * The clipboard.
 *
 * @module
 */

import { cut, visible } from "../text.js";
import { say, sayError } from "./toast.js";

/** Copies a text, and says so. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${visible(cut(text, 60))}`);
  } catch (error) {
    sayError(error);
  }
}

/**
 * Lets a process end although something waits: a timer, a channel.
 *
 * @module
 */

/** Takes it that nobody stays for `waiting`. Browsers have no such need, and often nothing to call. */
export function unref(waiting: unknown): void {
  if (
    typeof waiting === "object" &&
    waiting !== null &&
    "unref" in waiting &&
    typeof waiting.unref === "function"
  ) {
    waiting.unref();
  }
}

/**
 * What all timers of this package share: their longest delay, and letting the process end.
 *
 * @module
 */

/** The longest delay that `setTimeout` takes, in milliseconds; a timer with a longer one fires immediately. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Lets the process end while `pending`, a timer or a channel, is open. Does nothing in browsers. */
export function unref(pending: unknown): void {
  if (
    typeof pending === "object" &&
    pending !== null &&
    "unref" in pending &&
    typeof pending.unref === "function"
  ) {
    pending.unref();
  }
}

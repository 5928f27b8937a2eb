/**
 * What all timers of this package share: their longest delay, letting the process end, and sleeping.
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

/**
 * Calls `wake` after a delay of any length. Returns a function that stops the timer. With
 * `"background"` the timer does not keep the process alive.
 */
export function startTimer(
  delayMs: number,
  wake: () => void,
  kind: "foreground" | "background",
): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const schedule = (left: number): void => {
    const part = Math.min(left, MAX_DELAY_MS);
    timer = setTimeout(() => (left > part ? schedule(left - part) : wake()), part);
    if (kind === "background") unref(timer);
  };
  schedule(delayMs);
  return () => clearTimeout(timer);
}

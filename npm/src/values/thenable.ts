/**
 * Promises that code of the caller returns, of any library.
 *
 * @module
 */

/** Whether a value is a promise or another thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/**
 * Calls `failed` if what a callback has returned is a promise that rejects. The callback is not waited
 * for. Without this, the rejection would be unhandled and end the process.
 */
export function onRejected(returned: unknown, failed: (thrown: unknown) => void): void {
  // `Promise.resolve` handles a thenable that throws or settles twice.
  if (isThenable(returned)) Promise.resolve(returned).then(undefined, failed);
}

/** Ignores the rejection of a promise that is not awaited. */
export function ignore(promise: PromiseLike<unknown>): void {
  onRejected(promise, () => {});
}

// The errors of failed calls.

import { isTenureError, type TenureError } from "tenure";

/** The error that a promise rejects with, or that a function throws. */
export async function failure(call: PromiseLike<unknown> | (() => unknown)): Promise<TenureError> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (thrown) {
    if (isTenureError(thrown)) return thrown;
    throw new Error("expected a TenureError", { cause: thrown });
  }
  throw new Error("expected a failure, and there was none");
}

/** The code of that error. */
export async function code(call: PromiseLike<unknown> | (() => unknown)): Promise<string> {
  return (await failure(call)).code;
}

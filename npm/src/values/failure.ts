/**
 * The reason why a session failed, as callers pass it: a text, or an error with a message and a stack.
 *
 * @module
 */

import { invalidArgument, messageOf } from "./error.js";

/** A text, or an `Error`, of which the message and the stack are used. */
export type FailureReason = string | { readonly message: string };

/** The greatest length of a stack. Deep recursion makes long ones. */
const MAX_STACK_LENGTH = 8192;

/** The text of a reason. */
export function textOfFailure(error: FailureReason | undefined): string | undefined {
  if (typeof error !== "object" || error === null) return error;
  if (!(error instanceof Error) && typeof error.message !== "string") {
    throw invalidArgument("error", "expected a text, or an error with a message");
  }
  return messageOf(error);
}

/** The stack of a reason, if it has one. */
export function stackOfFailure(error: FailureReason | undefined): string | undefined {
  const { stack } = Object(error) as { readonly stack?: unknown };
  return typeof stack === "string" ? stack.slice(0, MAX_STACK_LENGTH) : undefined;
}

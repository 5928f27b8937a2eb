/**
 * The words for people when an operation on a slot fails. They are written in the core; they stand
 * here too because whoever cannot open a store has nobody to ask for them.
 *
 * @module
 */

import { FAILURE_MESSAGES, UNEXPECTED_FAILURE } from "../generated.js";

/**
 * What people are told of an error: something to show them, without codes and names. What an outcome
 * says to people is in its `message` and `warning`.
 */
export function slotMessage(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  return (typeof code === "string" && FAILURE_MESSAGES.get(code)) || UNEXPECTED_FAILURE;
}

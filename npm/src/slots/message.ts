/**
 * The messages for users when an operation on a slot fails. The core defines them; they are also
 * part of the package because a program that cannot open a store cannot ask the core for them.
 *
 * @module
 */

import { FAILURE_MESSAGES, UNEXPECTED_FAILURE } from "../generated.js";
import { exactly } from "../values/arguments.js";

/**
 * The message for users for an error: a text without codes and identifiers. The texts for outcomes
 * are in their `message` and `warning`.
 */
export const slotMessage = exactly("slotMessage", 1, (error: unknown): string => {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  return (typeof code === "string" && FAILURE_MESSAGES.get(code)) || UNEXPECTED_FAILURE;
});

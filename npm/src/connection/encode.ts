/**
 * Turns parameters into the JSON text that crosses to the core: one `JSON.stringify` a call, user
 * data and all. What JSON cannot say at the top of the parameters is refused here, because it would
 * arrive as something else: an invalid `Date` or `NaN` as `null`, which means "not given".
 *
 * @module
 */

import { invalidArgument, messageOf, TenureError } from "../values/error.js";

/** The text of an operation's parameters, or of options. `what` names them in errors. */
export function encode(what: string, params: unknown): string {
  return encodeMade(what, () => params);
}

/** The text of what `make` returns, which may fail as well: callers' objects can have getters. */
export function encodeMade(what: string, make: () => unknown): string {
  try {
    const params = make();
    if (typeof params === "object" && params !== null) {
      for (const [name, value] of Object.entries(params)) checkMember(name, value);
    }
    return JSON.stringify(params) ?? "null";
  } catch (thrown) {
    if (thrown instanceof TenureError) throw thrown;
    throw invalidArgument(what, `cannot be written as JSON: ${messageOf(thrown)}`, thrown);
  }
}

function checkMember(name: string, value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw invalidArgument(name, `expected a finite number, got ${value}`);
  }
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw invalidArgument(name, "expected a time, got an invalid Date");
  }
  if (name === "tokens" && typeof value === "object" && value !== null) {
    for (const [inner, count] of Object.entries(value)) checkMember(`tokens.${inner}`, count);
  }
}

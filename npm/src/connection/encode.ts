/**
 * Encodes parameters as the JSON text that is passed to the core, with one `JSON.stringify` per
 * call, user data included. Top-level values that JSON cannot represent are refused here: an
 * invalid `Date` or `NaN` would become `null`, which means "not given".
 *
 * @module
 */

import { invalidArgument, messageOf, TenureError } from "../values/error.js";

/** Encodes the parameters of an operation, or options. `what` names them in errors. */
export function encode(what: string, params: unknown): string {
  return encodeMade(what, () => params);
}

/**
 * Encodes what `make` returns. `make` may throw as well, as the caller's objects can have getters.
 */
export function encodeMade(what: string, make: () => unknown): string {
  try {
    const params = make();
    if (typeof params === "object" && params !== null) {
      for (const [name, value] of Object.entries(params)) checkProperty(name, value);
    }
    return JSON.stringify(params) ?? "null";
  } catch (thrown) {
    if (thrown instanceof TenureError) throw thrown;
    throw invalidArgument(what, `cannot be written as JSON: ${messageOf(thrown)}`, thrown);
  }
}

function checkProperty(name: string, value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw invalidArgument(name, `expected a finite number, got ${value}`);
  }
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw invalidArgument(name, "expected a time, got an invalid Date");
  }
  if (name === "tokens" && typeof value === "object" && value !== null) {
    for (const [inner, count] of Object.entries(value)) checkProperty(`tokens.${inner}`, count);
  }
}

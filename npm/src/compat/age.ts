/**
 * The ages that `tenure/compat/manager` and `tenure/compat/store` accept. A function of the same name
 * takes days in one of them and milliseconds in the other: an age that only the other unit explains is
 * refused, before sessions are removed.
 *
 * @module
 */

import { invalidArgument } from "../values/error.js";

const MINUTE_MS = 60_000;

/** An age in milliseconds, of a parameter with this unit of so many milliseconds. */
export function checkedAge(parameter: string, age: number, unit: string, unitMs = 1): number {
  if (typeof age === "number" && age * unitMs >= MINUTE_MS) return age * unitMs;
  throw invalidArgument(parameter, `expected an age of a minute or more, in ${unit}`);
}

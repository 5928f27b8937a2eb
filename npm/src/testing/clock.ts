/**
 * A clock that stands still until a test moves it, and random bits that follow from a seed: with them
 * a test of sessions comes out the same each time, ids and all.
 *
 * @module
 */

import { type Binding, type Opened, parseAnswer, resultOf } from "../builds/binding.js";
import type { Environment } from "../connection/connection.js";
import { encode } from "../connection/encode.js";
import { invalidArgument, isTenureError } from "../values/error.js";
import type { Time } from "../values/params.js";

/** The time of a test's sessions. */
export interface Clock {
  /** The present, in milliseconds since 1970. */
  readonly now: number;
  /** Lets time go by: milliseconds, or a length as in `"5m"`. */
  advance(by: number | string): void;
  /** Sets the present; it may go back, as clocks do. */
  set(to: Time): void;
}

/** Where a clock begins that is not told: the start of 2026. */
export const START = Date.UTC(2026, 0, 1);

/** A clock and repeatable random bits. Lengths of time are read by the core. */
export function testEnvironment(
  binding: Binding,
  now: Time,
  seed: number,
): { readonly clock: Clock; readonly environment: Environment } {
  let present = momentOf(now);
  const clock: Clock = {
    get now() {
      return present;
    },
    advance(by) {
      present += lengthOf(binding, by);
    },
    set(to) {
      present = momentOf(to);
    },
  };
  return { clock, environment: { now: () => present, entropy: digitsOf(seed) } };
}

function momentOf(time: Time): number {
  const moment = new Date(time).getTime();
  if (Number.isNaN(moment)) {
    throw invalidArgument("time", "expected a Date, an RFC 3339 text or milliseconds since 1970");
  }
  return moment;
}

/** A length of time in milliseconds, as the core reads those in options. */
function lengthOf(binding: Binding, length: number | string): number {
  try {
    const options = encode("options", { retention: { maxAge: length, every: 1 } });
    const opened = resultOf(parseAnswer<Opened>(binding.open("memory:", options)));
    binding.close(opened.handle);
    return opened.retention?.maxAge ?? 0;
  } catch (thrown) {
    const problem = isTenureError(thrown) ? thrown.details.problem : undefined;
    throw invalidArgument("advance", String(problem ?? "expected a length of time"), thrown);
  }
}

/** 32 hexadecimal digits a call, all of them following from the seed (the generator SplitMix32). */
function digitsOf(seed: number): () => string {
  let state = seed | 0;
  const eight = (): string => {
    state = (state + 0x9e3779b9) | 0;
    let bits = state ^ (state >>> 16);
    bits = Math.imul(bits, 0x21f0aaad);
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 0x735a2d97);
    bits ^= bits >>> 15;
    return (bits >>> 0).toString(16).padStart(8, "0");
  };
  return () => eight() + eight() + eight() + eight();
}

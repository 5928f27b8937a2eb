/**
 * A clock that only the test advances, and random bits that are derived from a seed. They make
 * tests reproducible, including ids.
 *
 * @module
 */

import { type Binding, type Opened, parseAnswer, resultOf } from "../builds/binding.js";
import type { Environment } from "../connection/connection.js";
import { encode } from "../connection/encode.js";
import { exactly } from "../values/arguments.js";
import { invalidArgument, isTenureError } from "../values/error.js";
import type { Time } from "../values/params.js";

/** The clock of a test's sessions. */
export interface Clock {
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
  /** Advances the clock by a duration: milliseconds, or a text such as `"5m"`. */
  advance(by: number | string): void;
  /** Sets the clock. It may be set back. */
  set(to: Time): void;
}

/** The default start of the clock: the start of 2026. */
export const START = Date.UTC(2026, 0, 1);

/** Creates a clock and reproducible random bits. The core parses durations. */
export function testEnvironment(
  binding: Binding,
  now: Time,
  seed: number,
): { readonly clock: Clock; readonly environment: Environment } {
  let current = timestampOf("now", now);
  const clock: Clock = {
    get now() {
      return current;
    },
    advance: exactly("advance", 1, (by: number | string) => {
      current += durationMsOf(binding, by);
    }),
    set: exactly("set", 1, (to: Time) => {
      current = timestampOf("time", to);
    }),
  };
  return { clock, environment: { now: () => current, entropy: digitsOf(seed) } };
}

/** A date, or a time with its offset from UTC. `Date` also reads other texts, in the local time. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/;

function timestampOf(what: string, time: Time): number {
  const isTime =
    time instanceof Date ||
    (typeof time === "number" && Number.isInteger(time)) ||
    (typeof time === "string" && RFC_3339.test(time) && hasDay(time));
  const timestamp = isTime ? new Date(time).getTime() : Number.NaN;
  if (Number.isNaN(timestamp)) {
    throw invalidArgument(what, "expected a Date, an RFC 3339 text or milliseconds since 1970");
  }
  return timestamp;
}

/** Whether the month of a text has its day. `Date` takes February 30 for March 2. */
function hasDay(text: string): boolean {
  const day = text.slice(0, "2026-01-01".length);
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** Converts a duration to milliseconds. The core parses it, as it parses durations in options. */
function durationMsOf(binding: Binding, duration: number | string): number {
  if (typeof duration !== "number" && typeof duration !== "string") {
    throw invalidArgument("advance", 'expected milliseconds, or a text such as "5m"');
  }
  try {
    const options = encode("options", { retention: { maxAge: duration, every: 1 } });
    const opened = resultOf(parseAnswer<Opened>(binding.open("memory:", options)));
    binding.close(opened.handle);
    return opened.retention?.maxAgeMs ?? 0;
  } catch (thrown) {
    const problem = isTenureError(thrown) ? thrown.details.problem : undefined;
    throw invalidArgument("advance", String(problem ?? "expected a duration"), thrown);
  }
}

/**
 * Returns 32 hexadecimal digits per call, derived from the seed by the generator SplitMix32. As numbers
 * whose lowest byte comes first they grow, so that ids do, too.
 */
function digitsOf(seed: number): () => string {
  let state = seed | 0;
  let calls = 0;
  const eight = (): string => {
    state = (state + 0x9e3779b9) | 0;
    let bits = state ^ (state >>> 16);
    bits = Math.imul(bits, 0x21f0aaad);
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 0x735a2d97);
    bits ^= bits >>> 15;
    return digits(bits);
  };
  const high = eight();
  return () => {
    const low = eight();
    calls += 1;
    // As many of the bits count the calls as the ids of agents contain.
    const middle = (Number.parseInt(high, 16) << 22) | (calls & 0x3fffff);
    return low + digits(swapped(middle)) + "0".repeat(16);
  };
}

/** A number of 32 bits as 8 digits. */
function digits(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, "0");
}

/** The bytes of a number of 32 bits in the other order. */
function swapped(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getUint32(0, true);
}

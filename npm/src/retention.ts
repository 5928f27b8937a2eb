/**
 * Removes old sessions by itself, from time to time: puts those that have reached an age into the
 * trash, and removes for good what has been there for some time. Which sessions these are is
 * decided in the core; here is only the clock, which never keeps a process alive.
 *
 * @module
 */

import { invalidArgument } from "./error.js";

/** Which sessions go by themselves, and when to look for them. */
export interface RetentionOptions {
  /** Sessions of this age go into the trash, unless they are active or paused: `"30d"`. */
  readonly maxAge: string | number;
  /** How long to wait between two looks: `"24h"`, or milliseconds. The first comes within a minute. */
  readonly every: string | number;
  /** What has been in the trash this long is removed for good; `maxAge` by default. */
  readonly purgeAfter?: string | number | undefined;
}

/** The first look comes no later than this, so that processes that are restarted often clean too. */
const FIRST_LOOK = 60_000;
/** The longest delay that timers take. */
const MAX_DELAY = 2 ** 31 - 1;

const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/** A clock that calls `look` again and again until it is stopped or `look` returns `false`. */
export class Retention {
  readonly #every: number;
  readonly #look: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts the clock. */
  constructor(every: string | number, look: () => boolean) {
    this.#every = milliseconds(every);
    this.#look = look;
    this.#wait(Math.min(this.#every, FIRST_LOOK));
  }

  /** Stops the clock. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(delay: number): void {
    const part = Math.min(delay, MAX_DELAY);
    this.#timer = setTimeout(() => {
      if (delay > part) this.#wait(delay - part);
      else if (this.#look()) this.#wait(this.#every);
    }, part);
    unref(this.#timer);
  }
}

/** How long to wait, in milliseconds. */
function milliseconds(every: string | number): number {
  const [, amount = "", unit = ""] = /^(\d+)\s*([a-z]+)$/.exec(String(every)) ?? [];
  const length =
    typeof every === "number"
      ? every
      : Number(amount || Number.NaN) * (UNITS.get(unit) ?? Number.NaN);
  if (length >= 1) return length;
  throw invalidArgument(
    "retention.every",
    `expected a length of time such as "24h", got ${JSON.stringify(every)}`,
  );
}

/** Lets the process end while the timer waits. Browsers have numbers for timers, and no such need. */
function unref(timer: unknown): void {
  if (
    typeof timer === "object" &&
    timer !== null &&
    "unref" in timer &&
    typeof timer.unref === "function"
  ) {
    timer.unref();
  }
}

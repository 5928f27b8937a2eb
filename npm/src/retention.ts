/**
 * Removes old sessions by itself, from time to time: puts those that have reached an age into the
 * trash, and removes for good what has been there for some time. Which sessions these are is
 * decided in the core; here is only the clock, which never keeps a process alive.
 *
 * @module
 */

import { unref } from "./unref.js";

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
export const MAX_DELAY = 2 ** 31 - 1;

/** The options as the core has read them, in milliseconds. */
export interface RetentionPlan {
  /** From which age on sessions go into the trash. */
  readonly maxAge: number;
  /** How long to wait between two looks. */
  readonly every: number;
  /** After which time in the trash they are removed for good. */
  readonly purgeAfter: number;
}

/** A clock that calls `look` again and again until it is stopped or `look` returns `false`. */
export class Retention {
  readonly #every: number;
  readonly #look: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts the clock. */
  constructor(every: number, look: () => boolean) {
    this.#every = every;
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

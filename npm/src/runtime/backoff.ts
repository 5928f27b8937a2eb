/**
 * The pauses between attempts to reach what is away.
 *
 * @module
 */

/** The pause after the first failure, in milliseconds. */
const FIRST_MS = 1000;
/** The longest pause, without what is added at random, in milliseconds. */
const LONGEST_MS = 5000;

/**
 * Pauses of a second at first, then twice as long each time, up to five seconds. Up to a quarter is added at
 * random, so that the clients of a server that was away do not all come back at once.
 */
export class Backoff {
  #failures = 0;

  /** The pause after another failure, in milliseconds. */
  next(): number {
    const pause = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS);
    this.#failures += 1;
    return pause * (1 + Math.random() / 4);
  }

  /** After a success the next pause is the first one. */
  reset(): void {
    this.#failures = 0;
  }
}

/**
 * Follows the feed of a store for the `"change"` listeners of a handle, from the first listener on, for as
 * long as there is one. Following goes on after a failure; the `"error"` listeners get one that repeats.
 *
 * @module
 */

import { Backoff } from "../runtime/backoff.js";
import { startTimer } from "../runtime/timers.js";
import { isTenureError } from "../values/error.js";
import type { SessionTypes } from "../values/session-types.js";
import { changedIds, type Feed, FeedReader } from "./feed-reader.js";
import type { Listeners } from "./listeners.js";

/** Follows the feed of a handle. */
export class FeedFollower {
  readonly #feed: Feed<SessionTypes>;
  readonly #listeners: Listeners;
  #reader: FeedReader<SessionTypes> | undefined;
  #following: Promise<void> = Promise.resolve();
  #isEnding = false;
  /** Ends the pause after a failure. */
  #goOn: (() => void) | undefined;

  /** Follows nothing yet. */
  constructor(feed: Feed<SessionTypes>, listeners: Listeners) {
    this.#feed = feed;
    this.#listeners = listeners;
  }

  /** Starts to follow, if it does not. */
  start(): void {
    if (this.#reader !== undefined || this.#feed.isClosed) return;
    const reader = new FeedReader(this.#feed, {});
    this.#reader = reader;
    this.#following = this.#follow(reader);
  }

  /** Resolves when the listeners have all changes that there are. Then it stops. */
  async finish(): Promise<void> {
    this.#isEnding = true;
    this.#reader?.finish();
    this.#goOn?.();
    await this.#following;
  }

  /** Stops following. */
  stop(): void {
    this.#reader?.stop();
    this.#reader = undefined;
    this.#goOn?.();
  }

  async #follow(reader: FeedReader<SessionTypes>): Promise<void> {
    let failures = 0;
    const backoff = new Backoff();
    while (this.#reader === reader) {
      try {
        const page = await reader.next();
        if (page === undefined) return;
        failures = 0;
        backoff.reset();
        this.#listeners.change({ ids: changedIds(page), changes: page.items });
      } catch (thrown) {
        const newest = isTenureError(thrown, "LAGGED") ? thrown.details.position : undefined;
        failures += 1;
        // Changes are missed if it is not known where to go on.
        const isReported = newest !== undefined || failures === 2 || reader.position === undefined;
        if (isReported && isTenureError(thrown)) this.#listeners.error(thrown);
        if (this.#isEnding) return;
        if (typeof newest === "number") reader.skipTo(newest);
        else await this.#pause(backoff.next());
      }
    }
  }

  /** Waits, for a shorter time if something changes: then the store is back. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const goOn = (): void => {
        stop();
        leave();
        resolve();
      };
      const stop = startTimer(ms, goOn, "background");
      const leave = this.#feed.onChange(goOn);
      this.#goOn = goOn;
    });
  }
}

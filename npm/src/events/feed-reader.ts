/**
 * Reads the feed of a store page by page, and waits for changes at its end. It holds no changes: what was
 * not read yet is kept by the store, so a slow reader takes no memory.
 *
 * @module
 */

import type { Change as GeneratedChange } from "../generated.js";
import { Backoff } from "../runtime/backoff.js";
import { startTimer } from "../runtime/timers.js";
import { aborted, isTenureError, lagged } from "../values/error.js";
import type { ChangePage, SessionTypes } from "../values/session-types.js";

/** Where a reader reads. */
export interface Feed<T extends SessionTypes> {
  /** Whether its handle is closed. */
  readonly isClosed: boolean;
  /** How often to look for changes of other handles, in milliseconds; `undefined` if there are none. */
  readonly pollMs: number | undefined;
  /** Reads the changes after a position; without one only the newest position. */
  read(position: number | undefined): Promise<ChangePage<T>>;
  /** Calls `wake` whenever something may have changed. Returns a function that ends it. */
  onChange(wake: () => void): () => void;
}

/** Options of a reader. */
export interface FeedReaderOptions {
  /** The position after which to begin; by default that of the newest change. */
  readonly from?: number | undefined;
  /** Ends the reading with the error `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Whether waiting keeps the process alive. */
  readonly keepAlive?: boolean | undefined;
  /** What a read does that does not reach the store, once the reader knows where to go on. */
  readonly ifAway?: "wait" | "fail" | undefined;
}

/** Reads a feed. */
export class FeedReader<T extends SessionTypes> {
  readonly #feed: Feed<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: "foreground" | "background";
  readonly #waits: boolean;
  readonly #leave: () => void;
  #position: number | undefined;
  /** The first page, which is read at once: later changes are read, whenever the reader gets to it. */
  #first: Promise<ChangePage<T>> | undefined;
  /** Whether something may have changed since the last read began. */
  #isStale = false;
  #isStopped = false;
  /** Whether the last page that was read was returned. */
  #returned = false;
  /** Whether it stops where the feed ends. */
  #isEnding = false;
  #wake: (() => void) | undefined;

  /** Reads the first page. */
  constructor(feed: Feed<T>, { from, signal, keepAlive, ifAway }: FeedReaderOptions) {
    this.#feed = feed;
    this.#signal = signal;
    this.#timer = keepAlive ? "foreground" : "background";
    this.#waits = ifAway === "wait";
    this.#position = from;
    const changed = (): void => {
      this.#isStale = true;
      this.#wake?.();
    };
    const end = feed.onChange(changed);
    signal?.addEventListener("abort", changed);
    this.#leave = () => {
      end();
      signal?.removeEventListener("abort", changed);
    };
    this.#first = feed.read(from);
    // It is reported by `next`.
    this.#first.catch(() => {});
  }

  /** The position up to which the feed was read; `undefined` before the first page. */
  get position(): number | undefined {
    return this.#position;
  }

  /** The next page that has changes; `undefined` at the end: the handle was closed, or the reader stopped. */
  async next(): Promise<ChangePage<T> | undefined> {
    // Over a synchronous store nothing else would run until there are no more changes.
    if (this.#returned) await new Promise((resolve) => setTimeout(resolve, 0));
    for (;;) {
      if (this.isOver()) return this.stop();
      const page = await this.#read();
      if (page === undefined) return this.stop();
      this.#position = page.position;
      this.#returned = page.items.length > 0;
      if (this.#returned) return page;
      if (page.more || this.#isStale) continue;
      if (this.#isEnding) return this.stop();
      await this.#changed();
    }
  }

  /** Whether it is at its end, so that what was read need not be handled. Throws `ABORTED`. */
  isOver(): boolean {
    if (this.#isStopped || this.#feed.isClosed) return true;
    if (!this.#signal?.aborted) return false;
    this.stop();
    throw aborted(this.#signal.reason, "`from` continues after the last change that was handled");
  }

  /** Goes on from another position. */
  skipTo(position: number): void {
    this.#position = position;
  }

  /** Ends the reading where the feed ends now. */
  finish(): void {
    this.#isEnding = true;
    // What was read before is not the end.
    this.#isStale = true;
    this.#wake?.();
  }

  /** Ends the reading. A pending `next` returns `undefined`. */
  stop(): undefined {
    this.#isStopped = true;
    this.#leave();
    this.#wake?.();
  }

  async #read(): Promise<ChangePage<T> | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#isStale = false;
    const backoff = new Backoff();
    let reading = first ?? this.#feed.read(this.#position);
    for (;;) {
      try {
        return await reading;
      } catch (thrown) {
        if (this.#feed.isClosed) return undefined;
        if (first === undefined && isTenureError(thrown, "POSITION_EXPIRED")) throw lagged(thrown);
        // Without a position the changes until then would be missed.
        if (!(this.#waits && this.#position !== undefined && isAway(thrown))) throw thrown;
      }
      await this.#changed(backoff.next());
      if (this.isOver()) return undefined;
      reading = this.#feed.read(this.#position);
    }
  }

  /** Waits until something may have changed, or it is time to look. */
  #changed(pollMs = this.#feed.pollMs): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = undefined;
        stopTimer?.();
        resolve();
      };
      const stopTimer = pollMs === undefined ? undefined : startTimer(pollMs, wake, this.#timer);
      this.#wake = wake;
    });
  }
}

/** Whether a read has not reached the store, which may come back. */
function isAway(thrown: unknown): boolean {
  return isTenureError(thrown, "STORE_UNAVAILABLE") || isTenureError(thrown, "STORE_TIMEOUT");
}

/** The ids of the sessions that a page changes, each once. */
export function changedIds({
  items,
}: {
  readonly items: readonly Pick<GeneratedChange, "id" | "kind">[];
}): string[] {
  const ids = items.filter(({ kind }) => kind !== "lease" && kind !== "audit").map(({ id }) => id);
  return [...new Set(ids)];
}

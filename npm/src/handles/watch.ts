/**
 * A watch: the changes of a store as an async iterable, in the order of the commits.
 *
 * @module
 */

import { type Feed, FeedReader, type FeedReaderOptions } from "../events/feed-reader.js";
import type { ChangesSinceParams } from "../generated.js";
import { invalidArgument } from "../values/error.js";
import { checkOptions, refuseOptions } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import type { Change, SessionTypes } from "../values/session-types.js";

/** Which sessions to watch. With a property of it, changes of leases and of the audit log are left out. */
export type WatchFilter = Accepts<Omit<ChangesSinceParams, "position" | "limit">>;

/** Options of a watch. */
export interface WatchOptions {
  /**
   * The position after which to begin, such as that of the last change that was handled; by default the
   * watch begins with the changes after the call. Older changes than the store keeps are refused with
   * `POSITION_EXPIRED`.
   */
  readonly from?: number | undefined;
  /** Ends the watch with the error `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the watch keeps Node alive while it waits; `false` by default. */
  readonly keepAlive?: boolean | undefined;
  /**
   * What the watch does while the store cannot be reached: `"wait"` looks every second, and goes on from its
   * position when it can; `"fail"` ends the watch with the error. By default a watch over a server waits, and
   * one over another store fails. A watch that has no position yet fails.
   */
  readonly ifAway?: "wait" | "fail" | undefined;
}

/** The kinds of the options. */
const OPTIONS = { from: "any", signal: "any", keepAlive: "boolean", ifAway: "any" } as const;

/** Checks the filter of a watch. The core checks its values. */
export function checkWatchFilter(filter: WatchFilter): WatchFilter {
  refuseOptions(filter, Object.keys(OPTIONS));
  for (const name of ["position", "limit"]) {
    if (name in filter) {
      throw invalidArgument(
        name,
        "expected a property of a filter; `from` is a property of the options",
      );
    }
  }
  return filter;
}

/** Checks the options of a watch. */
export function checkWatchOptions(options: WatchOptions): FeedReaderOptions {
  checkOptions(options, OPTIONS, "options");
  const { from, signal, ifAway } = options;
  if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0)) {
    throw invalidArgument("from", "expected a position: the `position` of a change");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("signal", "expected an AbortSignal");
  }
  if (ifAway !== undefined && ifAway !== "wait" && ifAway !== "fail") {
    throw invalidArgument("ifAway", 'expected "wait" or "fail"');
  }
  return options;
}

/**
 * The changes of a store. It ends when the handle is closed. A watch that is further behind than the
 * changes which the store keeps fails with `LAGGED`.
 */
export class Watch<T extends SessionTypes = SessionTypes>
  implements AsyncIterableIterator<Change<T>>, AsyncDisposable
{
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "Watch";
  readonly #reader: FeedReader<T>;
  readonly #changes: AsyncGenerator<Change<T>, void, undefined>;
  /** The position of the change that was taken last, until the rest of its page is taken. */
  #taken: number | undefined;

  /** Watches a feed. */
  constructor(feed: Feed<T>, options: FeedReaderOptions) {
    this.#reader = new FeedReader(feed, options);
    this.#changes = this.#read();
  }

  /**
   * The position from which another watch goes on: that of the last change that was taken, or that of a
   * later change which the filter does not select. `undefined` until the watch has begun.
   */
  get position(): number | undefined {
    return this.#taken ?? this.#reader.position;
  }

  /** The next change. */
  next(): Promise<IteratorResult<Change<T>, void>> {
    return this.#changes.next();
  }

  /** Ends the watch. */
  return(): Promise<IteratorResult<Change<T>, void>> {
    this.#reader.stop();
    return this.#changes.return();
  }

  /** The watch itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the watch. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async *#read(): AsyncGenerator<Change<T>, void, undefined> {
    try {
      for (;;) {
        const page = await this.#reader.next();
        if (page === undefined) return;
        for (const change of page.items) {
          if (this.#reader.isOver()) return;
          this.#taken = change.position;
          yield change;
        }
        this.#taken = undefined;
      }
    } finally {
      this.#reader.stop();
    }
  }
}

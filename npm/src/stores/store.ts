/**
 * The interface of a store that is written in JavaScript. A store contains no rules: the core
 * validates changes before it commits them, and each change carries the version that it expects.
 * How a store is called is in `connection/store-driver.ts`.
 *
 * @module
 */

import type { Capabilities } from "../generated.js";
import type {
  StoredChange,
  StoredChanges,
  StoredCommit,
  StoredFeedPage,
  StoredFeedQuery,
  StoredHeads,
  StoredHistory,
  StoredOrderedHeads,
  StoredPage,
  StoredQuery,
  StoredRecord,
  StoredScan,
  StoredSession,
} from "./stored.js";

/**
 * A store of your own: pass it to `open` instead of a URL. Every method may return its result or a
 * promise of it; a store that returns promises needs `open`, not `openSync`.
 *
 * A method may throw (or reject with) an error whose `code` is `STORAGE_FULL`, `STORE_UNAVAILABLE`
 * or `CORRUPT_SESSION`, which is passed to the caller with that code; any other error becomes
 * `STORE_FAILED` with the original as its `cause`. A missing session or a version conflict is a
 * result, not an error. A store must not call the handle that it serves.
 */
export interface Store {
  /** The capabilities of the store; none by default. */
  readonly capabilities?: Partial<Capabilities>;

  /** Reads a session and the requested part of its history, in one consistent read. */
  load(id: string, history: StoredHistory): MaybePromise<StoredSession | null | undefined>;

  /**
   * Applies all changes, or none if a version is not the expected one. Check and write are one
   * atomic step. A store with the capability `feed` also appends `feed` to its feed, and gives each
   * change the next position, beginning with 1.
   */
  commit(changes: StoredChanges, feed?: readonly StoredChange[]): MaybePromise<StoredCommit>;

  /**
   * Reads a page of sessions. A store that can order but not filter returns `{ ordered, more }`:
   * the core filters, and asks for more. A store that can do neither returns `{ all: heads }`, and
   * the core evaluates the query.
   */
  list(query: StoredQuery): MaybePromise<StoredPage | StoredOrderedHeads | StoredHeads>;

  /** Reads one record. */
  record(kind: string, key: string): MaybePromise<StoredRecord | null | undefined>;

  /** Reads the records of a kind, in the order of their keys, after a key. */
  scan(scan: StoredScan): MaybePromise<readonly StoredRecord[]>;

  /**
   * Reads a part of the feed. Needed for the capability `feed`. The changes have no `events` whose history
   * has ended since: a later change of the session has `endsHistory`.
   */
  feed?(query: StoredFeedQuery): MaybePromise<StoredFeedPage>;

  /** Called once, when the handle over this store is closed. */
  close?(): MaybePromise<unknown>;
}

/** A value or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** A request of the core to a store: a method and its parameters. */
export type StoreRequest =
  | {
      readonly method: "load";
      readonly params: { readonly id: string; readonly history: StoredHistory };
    }
  | {
      readonly method: "commit";
      readonly params: {
        readonly changes: StoredChanges;
        readonly feed?: readonly StoredChange[];
      };
    }
  | { readonly method: "feed"; readonly params: { readonly query: StoredFeedQuery } }
  | { readonly method: "list"; readonly params: { readonly query: StoredQuery } }
  | { readonly method: "record"; readonly params: { readonly kind: string; readonly key: string } }
  | { readonly method: "scan"; readonly params: { readonly scan: StoredScan } };

/** A request of the core to wait before it tries a commit again that met another writer. */
export interface SleepRequest {
  readonly method: "sleep";
  readonly params: { readonly ms: number };
}

/**
 * What Tenure asks of a store that is written in JavaScript, and what it says to it. A store holds
 * no rule: which changes are right is decided before they reach it, and whether they still are is
 * said by the versions that each change expects. How a store is called is in `connection/store-driver.ts`.
 *
 * @module
 */

import type { Capabilities } from "../generated.js";
import type {
  StoredChanges,
  StoredCommit,
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
 * A place of your own to keep sessions: pass it to `open` instead of a URL. Every method may return
 * its result or a promise of it; a store that returns promises needs `open`, not `openSync`.
 *
 * A method may throw (or reject with) an error whose `code` is `STORAGE_FULL`, `STORE_UNAVAILABLE`
 * or `CORRUPT_SESSION`, which reaches the caller as it is; any other error becomes `STORE_FAILED`
 * with yours as its `cause`. That something is not there, or not as expected, is an answer and not
 * an error. A store must not call the sessions that it serves.
 */
export interface Store {
  /** What the store can do; nothing by default. */
  readonly capabilities?: Partial<Capabilities>;

  /** A session with the part of its history that is asked for, as of one moment. */
  load(id: string, history: StoredHistory): MaybePromise<StoredSession | null | undefined>;

  /**
   * Applies all of the changes, or nothing of them when something is not as expected. It checks and
   * writes in one step that no other commit comes between.
   */
  commit(changes: StoredChanges): MaybePromise<StoredCommit>;

  /**
   * The sessions that a query means. A store that can order but not pick returns `{ ordered, more }`,
   * and the core picks and asks on; one that has no better way returns `{ all: heads }`, and the core
   * answers the query from those.
   */
  list(query: StoredQuery): MaybePromise<StoredPage | StoredOrderedHeads | StoredHeads>;

  /** One record. */
  record(kind: string, key: string): MaybePromise<StoredRecord | null | undefined>;

  /** The records of a kind, beginning after a key. */
  scan(scan: StoredScan): MaybePromise<readonly StoredRecord[]>;

  /** Called once, when the handle that was opened with this store is closed. */
  close?(): MaybePromise<unknown>;
}

/** A value or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** What the core asks of a store: one of its methods, and with what. */
export type StoreRequest =
  | {
      readonly method: "load";
      readonly params: { readonly id: string; readonly history: StoredHistory };
    }
  | { readonly method: "commit"; readonly params: { readonly changes: StoredChanges } }
  | { readonly method: "list"; readonly params: { readonly query: StoredQuery } }
  | { readonly method: "record"; readonly params: { readonly kind: string; readonly key: string } }
  | { readonly method: "scan"; readonly params: { readonly scan: StoredScan } };

/**
 * The types of what a store keeps: heads, events and records, and the changes to them. They are the
 * core's types under names that distinguish them from the types of the API. User data is JSON text
 * and stays text; times are milliseconds since 1970. Neither side modifies a value that it
 * received.
 *
 * @module
 */

import type {
  StoredChange as Change,
  Changes,
  Commit,
  StoredEvent as Event,
  FeedPage,
  FeedQuery,
  StoredHead as Head,
  History,
  ListQuery,
  Loaded,
  Page,
  StoredRecord as Rec,
  Scan,
} from "../generated.js";

/** A deeply read-only value. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** A session without its history. */
export type StoredHead = Frozen<Head>;
/** One event of a history. */
export type StoredEvent = Frozen<Event>;
/** A keyed record of a feature. Its `body` is text that only the feature reads. */
export type StoredRecord = Frozen<Rec>;
/** A session in one consistent read: its head, and the requested events. */
export type StoredSession = Frozen<Loaded>;
/** The part of a history to load. */
export type StoredHistory = Frozen<History>;
/** Everything that one operation writes, applied atomically. */
export type StoredChanges = Frozen<Changes>;
/** The precondition of a change: the expected version. */
export type StoredExpectation = StoredChanges["sessions"][number]["expect"];
/** The outcome of a commit. */
export type StoredCommit = Frozen<Commit>;
/** A query for sessions: filter, order, position and limits. */
export type StoredQuery = Frozen<ListQuery>;
/** A page of sessions. `problems` may be omitted if there are none. */
export type StoredPage = Frozen<Omit<Page, "problems"> & Partial<Pick<Page, "problems">>>;
/**
 * All heads of a store, in any order: the reply to `list` of a store that leaves filtering,
 * ordering and paging to the core.
 */
export interface StoredHeads {
  /** The heads. */
  readonly all: readonly StoredHead[];
}
/**
 * Heads in the order of a query, after its `after`, unfiltered and as many as the store chooses:
 * the reply to `list` of a store that leaves filtering to the core. If `more` is true, the core may
 * ask again with `after` set to the last of them.
 */
export interface StoredOrderedHeads {
  /** The heads: at least one if `more` is true. */
  readonly ordered: readonly StoredHead[];
  /** Whether further heads exist. */
  readonly more: boolean;
}
/** A change of a commit, which has no position yet. */
export type StoredChange = Frozen<Change>;
/** The part of a feed to read. */
export type StoredFeedQuery = Frozen<FeedQuery>;
/** A part of a feed. */
export type StoredFeedPage = Frozen<FeedPage>;
/** The records to read: a kind, a key to continue after, and a limit. */
export type StoredScan = Frozen<Scan>;

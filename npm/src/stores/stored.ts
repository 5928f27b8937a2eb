/**
 * The forms in which a store keeps things: heads, events and records, and the changes to them. They
 * are the core's own, given names that tell them from what callers see. User data is JSON text and
 * stays text; times are milliseconds since 1970. Nothing of them is changed by either side.
 *
 * @module
 */

import type {
  Changes,
  Commit,
  StoredEvent as Event,
  StoredHead as Head,
  History,
  ListQuery,
  Loaded,
  Page,
  StoredRecord as Rec,
  Scan,
} from "../generated.js";

/** A value that nobody changes, however deep. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** A session without its history. */
export type StoredHead = Frozen<Head>;
/** One entry of a history. */
export type StoredEvent = Frozen<Event>;
/** A keyed value of a feature's own; its `body` is text that only its feature reads. */
export type StoredRecord = Frozen<Rec>;
/** A session as of one moment: its head, and the events that were asked for. */
export type StoredSession = Frozen<Loaded>;
/** How much of a history to load. */
export type StoredHistory = Frozen<History>;
/** All that one operation writes: to be applied as a whole or not at all. */
export type StoredChanges = Frozen<Changes>;
/** How a commit ended. */
export type StoredCommit = Frozen<Commit>;
/** Which sessions to list, and how. */
export type StoredQuery = Frozen<ListQuery>;
/** A part of a list. Without `problems` there were none. */
export type StoredPage = Frozen<Omit<Page, "problems"> & Partial<Pick<Page, "problems">>>;
/**
 * All heads that a store has, in any order: what a store answers to `list` that leaves it to the core
 * to pick, to order and to cut.
 */
export interface StoredHeads {
  /** The heads. */
  readonly all: readonly StoredHead[];
}
/**
 * Heads in the order of a query that come after its `after`, whatever they are like and as many as a
 * store likes to send: what a store answers to `list` that leaves it to the core to pick. While `more`
 * follow, the core may ask again, with `after` set to the last of them.
 */
export interface StoredOrderedHeads {
  /** The heads: at least one if more follow. */
  readonly ordered: readonly StoredHead[];
  /** Whether more follow. */
  readonly more: boolean;
}
/** Which records to read. */
export type StoredScan = Frozen<Scan>;

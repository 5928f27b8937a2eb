/**
 * The store in the browser's IndexedDB: its object stores, and the requests for each method of a
 * store. It returns sessions in order, by the index of one of the properties of the filter; the core filters them, and evaluates the rules
 * that a store applies. The connection to the database is in `indexeddb-database.ts`.
 *
 * | Object store | Key | Value | Indexes |
 * |---|---|---|---|
 * | `heads` | the id | a head | `createdAt`, `updatedAt`: that time and the id; `INDEXES`: properties, then `createdAt` and the id |
 * | `events` | the session's id, the sequence number | an event | |
 * | `records` | the kind, the key in UTF-8 | a record | `owner` |
 * | `changes` | the position | a change of the feed | `ended`: the session whose history it ends, and the position |
 *
 * @module
 */

import { Broadcast } from "../events/broadcast.js";
import { Database, DatabaseError, INDEXES, SCHEMA, type StoreName } from "./indexeddb-database.js";
import type { StoreRules } from "./rules.js";
import type { Store } from "./store.js";
import type {
  StoredChange,
  StoredChanges,
  StoredCommit,
  StoredEvent,
  StoredFeedPage,
  StoredFeedQuery,
  StoredHead,
  StoredHistory,
  StoredOrderedHeads,
  StoredQuery,
  StoredRecord,
  StoredScan,
  StoredSession,
} from "./stored.js";

/** The number of heads that are read before their size is checked. */
const HEADS_PER_READ = 64;
/** The maximum number of heads in a reply. */
const MAX_HEADS = 500;

/** The number of changes that the feed keeps. */
const KEPT_CHANGES = 10_000;
/** Every so many changes the oldest ones are removed. */
const BETWEEN_REMOVALS = 64;

/** In the order of keys an array is greater than any number, text or bytes. */
const AFTER_ALL: readonly never[] = [];

/** Options of the store. */
export interface IndexedDbOptions {
  /** Whether an acknowledged write survives a power loss. */
  readonly durability: "normal" | "full" | undefined;
  /** The timeout of opening the database, in milliseconds. */
  readonly timeoutMs: number;
  /** The rules of the core. */
  readonly rules: StoreRules;
}

/** Sessions in an IndexedDB database. */
export class IndexedDbStore implements Store {
  /** See {@link Store.capabilities}. */
  readonly capabilities = { persistent: true, shared: true, feed: true };
  /** Notifications between the handles on this database. */
  readonly broadcast = new Broadcast();
  readonly #database: Database;
  readonly #durability: IDBTransactionDurability;
  readonly #rules: StoreRules;

  /** The database of this name. */
  constructor(name: string, { durability, timeoutMs, rules }: IndexedDbOptions) {
    this.#database = new Database({ name, schema: SCHEMA, timeoutMs });
    this.#durability = durability === "full" ? "strict" : "relaxed";
    this.#rules = rules;
  }

  /** Opens the database. The first call would open it as well. */
  open(): Promise<void> {
    return this.#database.open();
  }

  /** See {@link Store.load}. */
  load(id: string, history: StoredHistory): Promise<StoredSession | undefined> {
    const stores: StoreName[] = history.kind === "none" ? ["heads"] : ["heads", "events"];
    return this.#database.read(stores, async (transaction) => {
      const head: StoredHead | undefined = await answer(transaction.objectStore("heads").get(id));
      if (head === undefined) return undefined;
      const range = this.#rules.rangeOf(history, head.eventCount);
      if (range === undefined) return { head, events: [] };
      const keys = IDBKeyRange.bound([id, range.first], [id, range.last]);
      const events: StoredEvent[] = await answer(transaction.objectStore("events").getAll(keys));
      return { head, events };
    });
  }

  /** See {@link Store.commit}. */
  async commit(changes: StoredChanges, feed: readonly StoredChange[] = []): Promise<StoredCommit> {
    try {
      return await this.#commit(changes, feed);
    } catch (thrown) {
      const isFull = thrown instanceof DatabaseError && thrown.code === "STORAGE_FULL";
      if (!isFull || !onlyRemoves(changes)) throw thrown;
      // A removal needs no room. The feed ends, so that no reader misses it without an error.
      return this.#commit(changes, "ends");
    }
  }

  async #commit(
    changes: StoredChanges,
    feed: readonly StoredChange[] | "ends",
  ): Promise<StoredCommit> {
    const refusal = await this.#database.write(
      storesOf(changes, feed),
      this.#durability,
      async (transaction) => {
        // The requests run concurrently; IndexedDB answers them in order.
        const conflict = this.#conflictOf(transaction, changes);
        const owned = Promise.all(
          changes.sessions
            .filter(({ write }) => write.kind === "delete")
            .map(({ id }) =>
              answer(transaction.objectStore("records").index("owner").getAllKeys(id)),
            ),
        );
        const [refusal, keys] = await Promise.all([conflict, owned]);
        if (refusal === undefined) {
          apply(transaction, changes, keys.flat());
          if (feed === "ends") transaction.objectStore("changes").clear();
          else addToFeed(transaction, feed);
        }
        return refusal;
      },
    );
    if (refusal !== undefined) return refusal;
    if (feed.length > 0) this.broadcast.change();
    return { kind: "applied" };
  }

  /** See {@link Store.list}. */
  list(query: StoredQuery): Promise<StoredOrderedHeads> {
    const { order, after, offset, limit, maxBytes } = query;
    const { name, values } = indexFor(query);
    return this.#database.read(["heads"], async (transaction) => {
      const index = transaction.objectStore("heads").index(name);
      // One more than the page holds, to know whether another page exists.
      const wanted = Math.min(offset + limit + 1, MAX_HEADS);
      const ordered: StoredHead[] = [];
      let from: Position | undefined = after === null ? undefined : [after.at, after.id];
      let bytes = 0;
      for (;;) {
        const count = Math.min(wanted - ordered.length, HEADS_PER_READ);
        const heads = await readHeads(index, values, order.direction, from, count);
        ordered.push(...heads);
        const last = heads.at(-1);
        if (last === undefined || heads.length < count) return { ordered, more: false };
        if (ordered.length === wanted) return { ordered, more: true };
        bytes += this.#rules.bytesOf(heads);
        if (bytes > maxBytes) return { ordered, more: true };
        from = [last[order.by], last.id];
      }
    });
  }

  /** See {@link Store.record}. */
  record(kind: string, key: string): Promise<StoredRecord | undefined> {
    return this.#database.read(["records"], (transaction) =>
      answer(transaction.objectStore("records").get(recordKey(kind, key))),
    );
  }

  /** See {@link Store.scan}. */
  scan({ kind, after, limit }: StoredScan): Promise<readonly StoredRecord[]> {
    const from = after === null ? [kind] : recordKey(kind, after);
    return this.#database.read(["records"], (transaction) =>
      answer(
        transaction
          .objectStore("records")
          // In the order of keys an array is greater than any text or bytes.
          .getAll(IDBKeyRange.bound(from, [kind, AFTER_ALL], true), limit),
      ),
    );
  }

  /** See {@link Store.feed}. */
  feed({ after, limit }: StoredFeedQuery): Promise<StoredFeedPage> {
    return this.#database.read(["changes"], async (transaction) => {
      const changes = transaction.objectStore("changes");
      const [oldest, newest] = await Promise.all([
        positionOf(changes, "next"),
        positionOf(changes, "prev"),
      ]);
      const kept: FedChange[] =
        after === null
          ? []
          : await answer(changes.getAll(IDBKeyRange.lowerBound(after, true), limit));
      const ends = { keptAfter: (oldest ?? 1) - 1, newest: newest ?? 0 };
      return { changes: await Promise.all(kept.map((change) => shown(changes, change))), ...ends };
    });
  }

  /** See {@link Store.close}. */
  close(): void {
    this.broadcast.leave();
    this.#database.close();
  }

  /** The first change whose expected version does not match. */
  async #conflictOf(
    transaction: IDBTransaction,
    { sessions, records }: StoredChanges,
  ): Promise<StoredCommit | undefined> {
    const versions = await Promise.all([
      ...sessions.map(({ id }) => versionOf(transaction, "heads", id)),
      ...records.map(({ kind, key }) => versionOf(transaction, "records", recordKey(kind, key))),
    ]);
    for (const [at, { id, expect }] of sessions.entries()) {
      const current = versions[at] ?? null;
      if (!this.#rules.allows(expect, current)) return { kind: "sessionConflict", id, current };
    }
    for (const [at, { kind, key, expect }] of records.entries()) {
      const current = versions[sessions.length + at] ?? null;
      if (!this.#rules.allows(expect, current))
        return { kind: "recordConflict", recordKind: kind, key, current };
    }
    return undefined;
  }
}

/** Whether changes write nothing. */
function onlyRemoves({ sessions, records }: StoredChanges): boolean {
  return (
    sessions.every(({ write }) => write.kind === "delete") && records.every(({ record }) => !record)
  );
}

/** The object stores that changes touch. */
function storesOf(
  { sessions, records }: StoredChanges,
  feed: readonly StoredChange[] | "ends",
): readonly StoreName[] {
  const deletes = sessions.some(({ write }) => write.kind === "delete");
  const stores: StoreName[] = ["heads", "events"];
  if (records.length > 0 || deletes) stores.push("records");
  if (feed.length > 0) stores.push("changes");
  return stores;
}

/** A change of the feed as it is stored. */
interface FedChange extends StoredChange {
  readonly position: number;
  /** The session whose history it ends. */
  readonly ended?: string;
}

/** Adds changes to the feed, and now and then removes the oldest ones. */
function addToFeed(transaction: IDBTransaction, feed: readonly StoredChange[]): void {
  if (feed.length === 0) return;
  const changes = transaction.objectStore("changes");
  for (const change of feed) {
    const added = changes.add(change.endsHistory ? { ...change, ended: change.key } : change);
    added.onsuccess = () => {
      const position = Number(added.result);
      if (position % BETWEEN_REMOVALS === 0 && position > KEPT_CHANGES) {
        changes.delete(IDBKeyRange.upperBound(position - KEPT_CHANGES));
      }
    };
  }
}

/** The first or the last position of the feed. */
async function positionOf(
  changes: IDBObjectStore,
  direction: IDBCursorDirection,
): Promise<number | undefined> {
  const cursor = await answer(changes.openKeyCursor(null, direction));
  return cursor === null ? undefined : Number(cursor.primaryKey);
}

/** A change as a reader gets it: without events whose history has ended since. */
async function shown(
  changes: IDBObjectStore,
  { position, kind, key, events }: FedChange,
): Promise<StoredFeedPage["changes"][number]> {
  if (events === undefined) return { position, kind, key };
  const later = IDBKeyRange.bound([key, position], [key, Number.POSITIVE_INFINITY], true);
  const ended = await answer(changes.index("ended").count(later));
  return ended > 0 ? { position, kind, key } : { position, kind, key, events };
}

async function versionOf(
  transaction: IDBTransaction,
  store: "heads" | "records",
  key: IDBValidKey,
): Promise<number | undefined> {
  const value: StoredHead | StoredRecord | undefined = await answer(
    transaction.objectStore(store).get(key),
  );
  return value?.version;
}

/**
 * Writes the changes. `owned` are the keys of the records that are deleted together with their
 * sessions.
 */
function apply(
  transaction: IDBTransaction,
  { sessions, records }: StoredChanges,
  owned: readonly IDBValidKey[],
): void {
  for (const { id, write } of sessions) {
    const [heads, events] = [transaction.objectStore("heads"), transaction.objectStore("events")];
    if (write.kind === "delete") heads.delete(id);
    else heads.put(write.head);
    if (write.kind === "delete" || write.replaceHistory)
      events.delete(IDBKeyRange.bound([id], [id, AFTER_ALL]));
    if (write.kind === "put") {
      for (const event of write.events) events.put(event, [id, event.sequence]);
    }
  }
  if (owned.length === 0 && records.length === 0) return;
  const stored = transaction.objectStore("records");
  for (const key of owned) stored.delete(key);
  for (const { kind, key, record } of records) {
    if (record) stored.put(record, recordKey(kind, key));
    else stored.delete(recordKey(kind, key));
  }
}

/** A position in an index of heads: the time and the id. */
type Position = [at: number, id: string];

/** The index by which to read, and the values that its properties must have. */
function indexFor({ filter, order }: StoredQuery): {
  readonly name: string;
  readonly values: readonly string[];
} {
  if (order.by === "createdAt") {
    const only = (values: readonly string[] | null): string | null =>
      values?.length === 1 ? (values[0] ?? null) : null;
    const wanted = {
      "slot.taskId": only(filter.taskIds),
      parentId: filter.parentId,
      userId: filter.userId,
      channelId: filter.channelId,
      status: only(filter.status),
      mode: filter.mode,
    };
    for (const { name, properties } of INDEXES) {
      const values = properties.flatMap((property) => wanted[property] ?? []);
      if (values.length === properties.length) return { name, values };
    }
  }
  return { name: order.by, values: [] };
}

/** Reads the next heads of an index that have these values. */
function readHeads(
  index: IDBIndex,
  values: readonly string[],
  direction: StoredQuery["order"]["direction"],
  from: Position | undefined,
  count: number,
): Promise<readonly StoredHead[]> {
  const [first, last] = [[...values], [...values, AFTER_ALL]];
  const after = from && [...values, ...from];
  if (direction === "asc") {
    return answer(
      index.getAll(IDBKeyRange.bound(after ?? first, last, after !== undefined), count),
    );
  }
  const range = IDBKeyRange.bound(first, after ?? last, false, after !== undefined);
  // Only browsers with `getAllRecords` accept these options; others would take them for a key.
  if ("getAllRecords" in index) {
    const options = { query: range, count, direction: "prev" };
    return answer(index.getAll(options as unknown as IDBKeyRange));
  }
  return readHeadsBackwards(index, range, count);
}

/** Reads the heads one by one, for browsers whose `getAll` reads only forwards. */
function readHeadsBackwards(
  index: IDBIndex,
  range: IDBKeyRange,
  count: number,
): Promise<readonly StoredHead[]> {
  return new Promise((resolve, reject) => {
    const heads: StoredHead[] = [];
    const request = index.openCursor(range, "prev");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor !== null) heads.push(cursor.value as StoredHead);
      if (cursor === null || heads.length === count) resolve(heads);
      else cursor.continue();
    };
  });
}

/**
 * The key is stored as UTF-8 bytes, because IndexedDB orders texts by UTF-16 units and record keys
 * are ordered by bytes.
 */
function recordKey(kind: string, key: string): [string, Uint8Array<ArrayBuffer>] {
  return [kind, new TextEncoder().encode(key)];
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * The store in the browser's IndexedDB: which object store keeps what, and how changes and questions
 * become requests. It holds no rule: sessions are sent in their order, and the core picks. How the
 * database is opened, and what happens to it, is in `indexeddb-database.ts`.
 *
 * | Object store | Key | Value | Indexes |
 * |---|---|---|---|
 * | `heads` | the id | a head | `createdAt`, `updatedAt`: that time and the id |
 * | `events` | the session's id, the sequence number | an event | |
 * | `records` | the kind, the key in UTF-8 | a record | `owner` |
 *
 * @module
 */

import { Broadcast } from "../events/broadcast.js";
import { Database, SCHEMA, type StoreName } from "./indexeddb-database.js";
import type { Store } from "./store.js";
import type {
  StoredChanges,
  StoredCommit,
  StoredEvent,
  StoredHead,
  StoredHistory,
  StoredOrderedHeads,
  StoredQuery,
  StoredRecord,
  StoredScan,
  StoredSession,
} from "./stored.js";

/** How many heads are read at a time, before their size is looked at. */
const HEADS_AT_A_TIME = 64;
/** How many heads are sent at most. */
const MOST_HEADS = 500;

/** How the store is opened. */
export interface IndexedDbOptions {
  /** Whether an acknowledged write survives the loss of power. */
  readonly durability: "normal" | "full" | undefined;
  /** How long the database may take to open, in milliseconds. */
  readonly timeoutMs: number;
}

/** Sessions in an IndexedDB database. */
export class IndexedDbStore implements Store {
  /** See {@link Store.capabilities}. */
  readonly capabilities = { persistent: true, shared: true };
  /** What this handle and the others on the database tell each other. */
  readonly broadcast = new Broadcast();
  readonly #database: Database;
  readonly #durability: IDBTransactionDurability;

  /** The database of this name. */
  constructor(name: string, { durability, timeoutMs }: IndexedDbOptions) {
    this.#database = new Database({ name, schema: SCHEMA, timeoutMs });
    this.#durability = durability === "full" ? "strict" : "relaxed";
  }

  /** Opens the database; the first call would do it too. */
  open(): Promise<void> {
    return this.#database.open();
  }

  /** See {@link Store.load}. */
  load(id: string, history: StoredHistory): Promise<StoredSession | undefined> {
    const stores: StoreName[] = history.kind === "none" ? ["heads"] : ["heads", "events"];
    return this.#database.read(stores, async (transaction) => {
      const head: StoredHead | undefined = await answer(transaction.objectStore("heads").get(id));
      if (head === undefined) return undefined;
      const [first, last] = part(history, head.eventCount);
      if (first > last) return { head, events: [] };
      const range = IDBKeyRange.bound([id, first], [id, last]);
      const events: StoredEvent[] = await answer(transaction.objectStore("events").getAll(range));
      return { head, events };
    });
  }

  /** See {@link Store.commit}. */
  async commit(changes: StoredChanges): Promise<StoredCommit> {
    const refusal = await this.#database.write(
      storesOf(changes),
      this.#durability,
      async (transaction) => {
        // All at once: what is asked first is answered first.
        const conflict = conflictOf(transaction, changes);
        const owned = Promise.all(
          changes.sessions
            .filter(({ write }) => write.kind === "delete")
            .map(({ id }) =>
              answer(transaction.objectStore("records").index("owner").getAllKeys(id)),
            ),
        );
        const [refusal, keys] = await Promise.all([conflict, owned]);
        if (refusal === undefined) apply(transaction, changes, keys.flat());
        return refusal;
      },
    );
    if (refusal !== undefined) return refusal;
    const ids = changes.sessions.map(({ id }) => id);
    if (ids.length > 0) this.broadcast.change(ids);
    return { kind: "applied" };
  }

  /** See {@link Store.list}. */
  list({ order, after, offset, limit, maxBytes }: StoredQuery): Promise<StoredOrderedHeads> {
    return this.#database.read(["heads"], async (transaction) => {
      const index = transaction.objectStore("heads").index(order.by);
      // One more than the page takes, which tells whether there is another.
      const wanted = Math.min(offset + limit + 1, MOST_HEADS);
      const ordered: StoredHead[] = [];
      let from: Place | undefined = after === null ? undefined : [after.at, after.id];
      let size = 0;
      while (ordered.length < wanted && size <= maxBytes) {
        const count = Math.min(wanted - ordered.length, HEADS_AT_A_TIME);
        const heads = await following(index, order.direction, from, count);
        ordered.push(...heads);
        const last = heads.at(-1);
        if (last === undefined || heads.length < count) return { ordered, more: false };
        from = [last[order.by], last.id];
        size = heads.reduce((sum, head) => sum + sizeOf(head), size);
      }
      return { ordered, more: true };
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
          // A list comes after every text and all bytes.
          .getAll(IDBKeyRange.bound(from, [kind, []], true), limit),
      ),
    );
  }

  /** See {@link Store.close}. */
  close(): void {
    this.broadcast.leave();
    this.#database.close();
  }
}

/** The object stores that changes touch. */
function storesOf({ sessions, records }: StoredChanges): readonly StoreName[] {
  const deletes = sessions.some(({ write }) => write.kind === "delete");
  return records.length > 0 || deletes ? ["heads", "events", "records"] : ["heads", "events"];
}

/** The first of the changes that meets something else than it expects. */
async function conflictOf(
  transaction: IDBTransaction,
  { sessions, records }: StoredChanges,
): Promise<StoredCommit | undefined> {
  const versions = await Promise.all([
    ...sessions.map(({ id }) => versionOf(transaction, "heads", id)),
    ...records.map(({ kind, key }) => versionOf(transaction, "records", recordKey(kind, key))),
  ]);
  for (const [at, { id, expect }] of sessions.entries()) {
    const current = versions[at] ?? null;
    if (!allows(expect, current)) return { kind: "sessionConflict", id, current };
  }
  for (const [at, { kind, key, expect }] of records.entries()) {
    const current = versions[sessions.length + at] ?? null;
    if (!allows(expect, current)) return { kind: "recordConflict", recordKind: kind, key, current };
  }
  return undefined;
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

type Expectation = StoredChanges["sessions"][number]["expect"];

function allows(expect: Expectation, current: number | null): boolean {
  switch (expect.kind) {
    case "absent":
      return current === null;
    case "present":
      return current !== null;
    case "version":
      return current === expect.version;
    case "any":
      return true;
  }
}

/** Writes the changes. `owned` are the keys of the records that go with their sessions. */
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
      events.delete(IDBKeyRange.bound([id], [id, []]));
    if (write.kind === "put") {
      for (const event of write.events) events.put(event, [id, event.sequence]);
    }
  }
  if (owned.length === 0 && records.length === 0) return;
  const kept = transaction.objectStore("records");
  for (const key of owned) kept.delete(key);
  for (const { kind, key, record } of records) {
    if (record) kept.put(record, recordKey(kind, key));
    else kept.delete(recordKey(kind, key));
  }
}

/** The sequence numbers that are meant in a history of so many events: the first and the last. */
function part(history: StoredHistory, count: number): readonly [first: number, last: number] {
  switch (history.kind) {
    case "none":
      return [1, 0];
    case "all":
      return [1, count];
    case "last":
      return [Math.max(count - history.count, 0) + 1, count];
    case "after":
      return [history.sequence + 1, Math.min(history.sequence + history.limit, count)];
  }
}

/** A place in an index of heads: the time and the id. */
type Place = [at: number, id: string];

/** The heads that come next in an index. */
function following(
  index: IDBIndex,
  direction: StoredQuery["order"]["direction"],
  from: Place | undefined,
  count: number,
): Promise<readonly StoredHead[]> {
  if (direction === "asc") {
    return answer(index.getAll(from && IDBKeyRange.lowerBound(from, true), count));
  }
  const range = from && IDBKeyRange.upperBound(from, true);
  // Browsers that can read backwards at once have this too; the others would take the options for a key.
  if ("getAllRecords" in index) {
    const options = { query: range ?? null, count, direction: "prev" };
    return answer(index.getAll(options as unknown as IDBKeyRange));
  }
  return backwards(index, range, count);
}

/** The same one by one, for browsers that read at once only forwards. */
function backwards(
  index: IDBIndex,
  range: IDBKeyRange | undefined,
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

/** About how much user data a head carries. */
function sizeOf({ task, context, metadata, result, error }: StoredHead): number {
  return [task, context, metadata, result, error].reduce(
    (sum, text) => sum + (text?.length ?? 0),
    0,
  );
}

/** Texts are ordered by their UTF-16 units, bytes by themselves: as the keys of records have to be. */
function recordKey(kind: string, key: string): [string, Uint8Array<ArrayBuffer>] {
  return [kind, new TextEncoder().encode(key)];
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

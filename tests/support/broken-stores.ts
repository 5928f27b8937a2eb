// Stores with one realistic defect each: all of them are a `MapStore` with one difference.

import type { Store, StoredChanges, StoredCommit, StoredHead, StoredScan } from "tenure";
import type { StoreOpener } from "tenure/testing";
import { MapStore } from "./map-store.js";

type SessionChange = StoredChanges["sessions"][number];
type RecordChange = StoredChanges["records"][number];

/** A new store with some methods replaced. */
function mapStore(change: (store: MapStore) => Partial<Store>): Store {
  const store = new MapStore();
  const changed: Store = Object.create(store);
  return Object.assign(changed, change(store));
}

/** A store whose changes are distorted before they are applied. */
function distorting(
  session: (change: SessionChange) => SessionChange,
  record: (change: RecordChange) => RecordChange = (change) => change,
): Store {
  return mapStore((store) => ({
    commit: ({ sessions, records }) =>
      store.commit({ sessions: sessions.map(session), records: records.map(record) }),
  }));
}

/** A session change with a modified head. */
function withHead(change: SessionChange, head: (head: StoredHead) => StoredHead): SessionChange {
  const { write } = change;
  return write.kind === "put" ? { ...change, write: { ...write, head: head(write.head) } } : change;
}

const reencoded = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};

/** A store with several handles: each `handle` is opened over the same map. */
function severally(handle: (shared: MapStore) => Store): StoreOpener {
  const shared = new MapStore();
  return { open: () => handle(shared) };
}

const persistent = { persistent: true, shared: true, reindents: false };

/** The defects: a description, a store with the defect, and the case that must detect it. */
export const brokenStores: readonly (readonly [
  defect: string,
  make: () => Store | StoreOpener,
  found: string,
])[] = [
  [
    "ignores versions",
    () =>
      distorting((change) =>
        change.expect.kind === "version" ? { ...change, expect: { kind: "present" } } : change,
      ),
    "a_stale_version_of_a_session_never_applies",
  ],
  [
    "ignores the versions of records",
    () =>
      distorting(
        (change) => change,
        (change) => ({ ...change, expect: { kind: "any" } }),
      ),
    "a_stale_version_of_a_record_never_applies",
  ],
  [
    "applies a commit in parts",
    () =>
      mapStore((store) => ({
        commit({ sessions, records }): StoredCommit {
          for (const part of sessions) {
            const ended = store.commit({ sessions: [part], records: [] });
            if (ended.kind !== "applied") return ended;
          }
          return store.commit({ sessions: [], records });
        },
      })),
    "a_refused_record_undoes_the_whole_commit",
  ],
  [
    "names no version in a conflict",
    () =>
      mapStore((store) => ({
        commit(changes): StoredCommit {
          const ended = store.commit(changes);
          return ended.kind === "applied" ? ended : { ...ended, current: null };
        },
      })),
    "a_conflict_names_the_current_version",
  ],
  [
    "appends where it should replace",
    () =>
      distorting((change) =>
        change.write.kind === "put"
          ? { ...change, write: { ...change.write, replaceHistory: false } }
          : change,
      ),
    "replacing_a_history_removes_and_renumbers_it",
  ],
  [
    "re-encodes user data",
    () =>
      distorting((change) =>
        withHead(change, (head) => ({ ...head, context: reencoded(head.context) })),
      ),
    "hostile_json_is_stored_unchanged",
  ],
  [
    "drops a property of a head",
    () => distorting((change) => withHead(change, (head) => ({ ...head, channelId: null }))),
    "every_field_of_a_head_is_stored",
  ],
  [
    "ignores the case of ids",
    () =>
      mapStore((store) => ({
        load: (id, history) => store.load(id.toLowerCase(), history),
        commit: ({ sessions, records }) =>
          store.commit({
            records,
            sessions: sessions.map((change) => ({ ...change, id: change.id.toLowerCase() })),
          }),
      })),
    "ids_that_differ_in_case_are_different_sessions",
  ],
  [
    "loads the whole history where the last events are asked for",
    () =>
      mapStore((store) => ({
        load: (id, history) => store.load(id, history.kind === "last" ? { kind: "all" } : history),
      })),
    "the_last_events_are_loaded",
  ],
  [
    "keeps the records of a removed session",
    () =>
      distorting(
        (change) => change,
        (change) => ({ ...change, record: change.record && { ...change.record, owner: null } }),
      ),
    "removing_a_session_removes_its_history_and_its_records",
  ],
  [
    "refuses to remove what is not there",
    () =>
      mapStore((store) => ({
        commit(changes): StoredCommit {
          const missing = changes.sessions.find(
            ({ id, write }) => write.kind === "delete" && !store.sessions.has(id),
          );
          if (missing) return { kind: "sessionConflict", id: missing.id, current: null };
          return store.commit(changes);
        },
      })),
    "removing_something_unknown_succeeds",
  ],
  [
    "scans in the order of UTF-16",
    () =>
      mapStore((store) => ({
        scan: ({ kind, after, limit }: StoredScan) =>
          [...store.records.values()]
            .filter((record) => record.kind === kind && (after === null || record.key > after))
            .sort((a, b) => (a.key < b.key ? -1 : 1))
            .slice(0, limit),
      })),
    "a_scan_is_in_the_order_of_bytes",
  ],
  [
    "scans from a key on, not after it",
    () =>
      mapStore((store) => ({
        scan: ({ kind, after, limit }) => {
          const all = store.scan({ kind, after: null, limit: 1000 });
          return all.slice(all.findIndex(({ key }) => key === (after ?? key))).slice(0, limit);
        },
      })),
    "a_scan_begins_after_a_key",
  ],
  [
    "drops records that have expired",
    () =>
      mapStore((store) => ({
        record(kind, key) {
          const found = store.record(kind, key);
          return found && (found.expiresAt ?? 1e9) < 1000 ? undefined : found;
        },
      })),
    "expired_records_are_kept",
  ],
  [
    "lists a page of whatever comes first",
    () =>
      mapStore((store) => ({
        list: ({ limit }) => ({ heads: store.list().all.slice(0, limit), more: false }),
      })),
    "every_property_of_a_filter_is_applied",
  ],
  [
    "leaves out of a list what is in the trash",
    () =>
      mapStore((store) => ({
        list: () => ({ all: store.list().all.filter(({ deletedAt }) => deletedAt === null) }),
      })),
    "the_trash_is_listed_separately",
  ],
  [
    "says it is persistent and is not",
    () => ({ open: () => mapStore(() => ({ capabilities: { persistent: true } })) }),
    "written_data_exists_after_reopening",
  ],
  [
    "remembers for each handle what it has read",
    () =>
      severally((shared) => {
        const seen = new Map<string, ReturnType<MapStore["load"]>>();
        const handle: Store = Object.create(shared);
        return Object.assign(handle, {
          capabilities: persistent,
          load(id: string, history: Parameters<MapStore["load"]>[1]) {
            const found = seen.get(`${id} ${JSON.stringify(history)}`) ?? shared.load(id, history);
            seen.set(`${id} ${JSON.stringify(history)}`, found);
            return found;
          },
          commit(changes: StoredChanges) {
            seen.clear();
            return shared.commit(changes);
          },
        });
      }),
    "two_handles_see_each_others_writes",
  ],
];

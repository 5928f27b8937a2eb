// A minimal store over two maps. `asynchronous` wraps it into a store that returns promises.

import type {
  Store,
  StoredChange,
  StoredChanges,
  StoredCommit,
  StoredEvent,
  StoredFeedPage,
  StoredFeedQuery,
  StoredHead,
  StoredHeads,
  StoredHistory,
  StoredRecord,
  StoredScan,
  StoredSession,
} from "tenure";

type Expectation = StoredChanges["sessions"][number]["expect"];

export class MapStore implements Store {
  readonly sessions = new Map<string, { head: StoredHead; events: readonly StoredEvent[] }>();
  readonly records = new Map<string, StoredRecord>();
  /** The feed: each change with its position. */
  readonly changes: (StoredChange & { readonly position: number })[] = [];
  readonly capabilities = { feed: true };
  closed = 0;

  load(id: string, history: StoredHistory): StoredSession | undefined {
    const session = this.sessions.get(id);
    return session && { head: session.head, events: part(session.events, history) };
  }

  commit({ sessions, records }: StoredChanges, feed: readonly StoredChange[] = []): StoredCommit {
    for (const { id, expect } of sessions) {
      const current = this.sessions.get(id)?.head.version ?? null;
      if (!allows(expect, current)) return { kind: "sessionConflict", id, current };
    }
    for (const { kind, key, expect } of records) {
      const current = this.records.get(`${kind} ${key}`)?.version ?? null;
      if (!allows(expect, current)) {
        return { kind: "recordConflict", recordKind: kind, key, current };
      }
    }
    for (const { id, write } of sessions) {
      if (write.kind === "put") {
        const before = write.replaceHistory ? [] : (this.sessions.get(id)?.events ?? []);
        this.sessions.set(id, { head: write.head, events: [...before, ...write.events] });
      } else {
        this.sessions.delete(id);
        for (const [key, record] of this.records) if (record.owner === id) this.records.delete(key);
      }
    }
    for (const { kind, key, record } of records) {
      if (record) this.records.set(`${kind} ${key}`, record);
      else this.records.delete(`${kind} ${key}`);
    }
    for (const change of feed) this.changes.push({ ...change, position: this.changes.length + 1 });
    return { kind: "applied" };
  }

  list(): StoredHeads {
    return { all: [...this.sessions.values()].map(({ head }) => head) };
  }

  record(kind: string, key: string): StoredRecord | undefined {
    return this.records.get(`${kind} ${key}`);
  }

  scan({ kind, after, limit }: StoredScan): readonly StoredRecord[] {
    return [...this.records.values()]
      .filter(
        (record) => record.kind === kind && (after === null || bytes(record.key) > bytes(after)),
      )
      .sort((a, b) => (bytes(a.key) < bytes(b.key) ? -1 : 1))
      .slice(0, limit);
  }

  feed({ after, limit }: StoredFeedQuery): StoredFeedPage {
    const hasEnded = (key: string, position: number): boolean =>
      this.changes.slice(position).some((change) => change.key === key && change.endsHistory);
    const changes =
      after === null ? [] : this.changes.filter(({ position }) => position > after).slice(0, limit);
    return {
      changes: changes.map(({ position, kind, key, events }) =>
        events === undefined || hasEnded(key, position)
          ? { position, kind, key }
          : { position, kind, key, events },
      ),
      keptAfter: 0,
      newest: this.changes.length,
    };
  }

  close(): void {
    this.closed += 1;
  }
}

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

function part(events: readonly StoredEvent[], history: StoredHistory): readonly StoredEvent[] {
  switch (history.kind) {
    case "none":
      return [];
    case "last":
      return history.count === 0 ? [] : events.slice(-history.count);
    case "after":
      return events.slice(history.sequence, history.sequence + history.limit);
    case "all":
      return events;
  }
}

/** A text that is ordered like the UTF-8 bytes of `key`, as opposed to its UTF-16 units. */
function bytes(key: string): string {
  return String.fromCharCode(...new TextEncoder().encode(key));
}

/** The same store with promises: each method waits for `pause` first. */
export function asynchronous(store: Store, pause: () => Promise<unknown> = async () => {}): Store {
  return {
    load: async (id, history) => {
      await pause();
      return store.load(id, history);
    },
    ...(store.capabilities && { capabilities: store.capabilities }),
    commit: async (changes, feed) => {
      await pause();
      return store.commit(changes, feed);
    },
    feed: async (query) => {
      await pause();
      if (store.feed === undefined) throw new Error("this store has no feed");
      return store.feed(query);
    },
    list: async (query) => {
      await pause();
      return store.list(query);
    },
    record: async (kind, key) => {
      await pause();
      return store.record(kind, key);
    },
    scan: async (scan) => {
      await pause();
      return store.scan(scan);
    },
    close: async () => {
      await pause();
      return store.close?.();
    },
  };
}

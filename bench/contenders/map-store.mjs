// A minimal store over two maps. `asynchronous` wraps it into a store that returns promises.

export class MapStore {
  sessions = new Map();
  #records = new Map();
  /** The number of calls. */
  requests = 0;

  load(id, history) {
    this.requests += 1;
    const session = this.sessions.get(id);
    return session && { head: session.head, events: part(session.events, history) };
  }

  commit({ sessions, records }) {
    this.requests += 1;
    for (const { id, expect } of sessions) {
      const current = this.sessions.get(id)?.head.version ?? null;
      if (!allows(expect, current)) return { kind: "sessionConflict", id, current };
    }
    for (const { id, write } of sessions) {
      if (write.kind === "delete") {
        this.sessions.delete(id);
        continue;
      }
      const events = (!write.replaceHistory && this.sessions.get(id)?.events) || [];
      events.push(...write.events);
      this.sessions.set(id, { head: write.head, events });
    }
    for (const { kind, key, record } of records) this.#records.set(`${kind} ${key}`, record);
    return { kind: "applied" };
  }

  list() {
    this.requests += 1;
    return { all: [...this.sessions.values()].map(({ head }) => head) };
  }

  record(kind, key) {
    this.requests += 1;
    return this.#records.get(`${kind} ${key}`);
  }

  scan() {
    return [];
  }
}

/** The same store with promises. */
export function asynchronous(store) {
  return {
    load: async (id, history) => store.load(id, history),
    commit: async (changes) => store.commit(changes),
    list: async (query) => store.list(query),
    record: async (kind, key) => store.record(kind, key),
    scan: async (scan) => store.scan(scan),
  };
}

function allows(expect, current) {
  if (expect.kind === "absent") return current === null;
  if (expect.kind === "present") return current !== null;
  return expect.kind === "any" || current === expect.version;
}

function part(events, history) {
  if (history.kind === "none") return [];
  if (history.kind === "last") return history.count === 0 ? [] : events.slice(-history.count);
  if (history.kind === "after")
    return events.slice(history.sequence, history.sequence + history.limit);
  return events;
}

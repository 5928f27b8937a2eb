// The code in the page: Tenure over IndexedDB, and plain IndexedDB that stores each complete
// session in one object store, the simplest approach. It checks nothing: to append, it puts a
// session that it has in memory already.

import { init, open, openSync, storeRules } from "/npm/dist/entry/browser.js";
import { IndexedDbStore } from "/npm/dist/stores/indexeddb.js";
import { fill, fillMany, iterationData, pastEvent, userOf } from "../lib/scenario.mjs";
import { MapStore } from "./map-store.mjs";

const limit = 50;
/** The number of sessions that appends go to in turn, in every column. */
const sessionsEach = 8;
/** The number of heads in one transaction when a database is filled. */
const batchSize = 250;

await init();

/** The measurements: rows of columns of functions that do their work once. */
const acts = new Map();

/** Does a contender's work `times` times, and returns the duration in milliseconds. */
export async function run(row, column, times) {
  const act = acts.get(`${row} ${column}`);
  const started = performance.now();
  for (let done = 0; done < times; done += 1) await act();
  return performance.now() - started;
}

/** Prepares appending to sessions with `history` events. */
export async function prepareAppends(history) {
  const memory = new MapStore();
  const made = openSync(memory);
  const ids = Array.from({ length: sessionsEach }, (_, index) => fill(made, index, history));
  const whole = ids.map((id) => made.get(id, { history: "all" }));
  for (const durability of ["normal", "full"]) {
    const name = `append-${history}-${durability}`;
    await copy(memory, name);
    const sessions = await open(`indexeddb:${name}`, { durability });
    let calls = 0;
    acts.set(`tenure-${durability} append-${history}`, () =>
      sessions.incrementIteration(ids[calls++ % ids.length], iterationData),
    );
  }
  const floor = await plain(`append-${history}-plain`, whole);
  let calls = 0;
  acts.set(`plain append-${history}`, () => {
    const session = whole[calls++ % whole.length];
    // Truncated to its length, as the measurement is for a history of this length.
    session.history.shift();
    session.history.push({ ...pastEvent(calls), sequence: calls, timestamp: new Date() });
    return floor.put(session);
  });
}

/** Prepares pages of lists of `count` sessions. */
export async function prepareLists(count) {
  const memory = new MapStore();
  const made = openSync(memory);
  const ids = fillMany(made, count);
  const whole = ids.map((id) => made.get(id, { history: "all" }));
  await copy(memory, `list-${count}`);
  const sessions = await open(`indexeddb:list-${count}`);
  const floor = await plain(`list-${count}-plain`, whole);
  const user = userOf(1);
  acts.set(`tenure-normal newest-${count}`, () => sessions.list({ limit }));
  acts.set(`plain newest-${count}`, () => floor.list(limit, () => true));
  acts.set(`tenure-normal ofUser-${count}`, () =>
    sessions.list({ limit, userId: user, status: "completed" }),
  );
  acts.set(`plain ofUser-${count}`, () =>
    floor.list(limit, ({ userId, status }) => userId === user && status === "completed"),
  );
}

/** Writes the contents of a store in memory into a database of Tenure. */
async function copy(memory, name) {
  const store = new IndexedDbStore(name, {
    durability: "normal",
    timeoutMs: 30_000,
    rules: storeRules,
  });
  const changes = [...memory.sessions].map(([id, { head, events }]) => ({
    id,
    expect: { kind: "absent" },
    write: { kind: "put", head, replaceHistory: false, events },
  }));
  for (let at = 0; at < changes.length; at += batchSize) {
    await store.commit({ sessions: changes.slice(at, at + batchSize), records: [] });
  }
  store.close();
}

/** A database with one object store, and an index over when sessions were started. */
async function plain(name, sessions) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("sessions", { keyPath: "id" });
    store.createIndex("createdAt", ["createdAt", "id"]);
  };
  const database = await answer(request);
  const put = (...some) => {
    const transaction = database.transaction("sessions", "readwrite", { durability: "relaxed" });
    for (const session of some) transaction.objectStore("sessions").put(session);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  };
  for (let at = 0; at < sessions.length; at += batchSize) {
    await put(...sessions.slice(at, at + batchSize));
  }
  return {
    put,
    /** The newest matching sessions, read backwards in batches. */
    async list(limit, isMeant) {
      const index = database.transaction("sessions").objectStore("sessions").index("createdAt");
      const found = [];
      let range = null;
      while (found.length < limit) {
        const part = await answer(index.getAll({ query: range, count: limit, direction: "prev" }));
        found.push(...part.filter(isMeant));
        if (part.length < limit) break;
        const { createdAt, id } = part.at(-1);
        range = IDBKeyRange.upperBound([createdAt, id], true);
      }
      return found.slice(0, limit);
    },
  };
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

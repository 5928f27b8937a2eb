// The stores for tests of behaviour that must not depend on the store: in memory, in JavaScript,
// and SQLite, files, PostgreSQL, a server or IndexedDB where they are available.

import { init, open, type Sessions } from "tenure";
import { afterEach } from "vitest";
import { asynchronous, MapStore } from "./map-store.js";

export type OpenOptions = Parameters<typeof open>[1];

/** The name of a kind of store, and how to open a new one. */
export type StoreKind = readonly [name: string, open: (options?: OpenOptions) => Promise<Sessions>];

// So that `openSync` works in browsers in every test.
await init();

const opened: Sessions[] = [];

afterEach(async () => {
  // A client is closed before the store of its server.
  for (const sessions of opened.splice(0).reverse()) await sessions.close();
});

/** Opens sessions that are closed after the test. */
export async function opening(
  target: Parameters<typeof open>[0],
  options?: OpenOptions,
): Promise<Sessions> {
  const sessions = await open(target, options);
  opened.push(sessions);
  return sessions;
}

/** Opens sessions in memory that are closed after the test. */
export const inMemory = (options?: OpenOptions): Promise<Sessions> => opening("memory:", options);

const onDisk: readonly StoreKind[] =
  __BUILD__ === "native"
    ? [
        ["in SQLite", (await import("./sqlite.js")).openerOf(opening)],
        ["in files", (await import("./folders.js")).openerOf(opening)],
        ["in PostgreSQL", (await import("./postgres.js")).openerOf(opening)],
      ]
    : [];

/** The stores whose clock is that of their server. */
async function behindServers(): Promise<readonly StoreKind[]> {
  const { openerOf } = await import("./server.js");
  return [
    ["behind a server", openerOf(opening, () => "memory:")],
    ["in JavaScript behind a server", openerOf(opening, () => asynchronous(new MapStore()))],
  ];
}

const served = __BUILD__ === "native" ? await behindServers() : [];

const indexedDb: readonly StoreKind[] =
  __BUILD__ === "browser"
    ? [["in IndexedDB", (await import("./indexeddb.js")).openerOf(opening)]]
    : [];

/** The stores whose clock is that of the caller, which a test may set. */
export const clockedStores: readonly StoreKind[] = [
  ...onDisk,
  ...indexedDb,
  ["in memory", inMemory],
  ["in a synchronous JavaScript store", (options) => opening(new MapStore(), options)],
  [
    "in an asynchronous JavaScript store",
    (options) => opening(asynchronous(new MapStore()), options),
  ],
];

export const everyStore: readonly StoreKind[] = [...served, ...clockedStores];

// The stores over which the suite looks at behaviour that must not depend on the store: the one in
// memory, one that a user has written, and SQLite or IndexedDB where they are there.

import { init, open, type Sessions } from "tenure";
import { afterEach } from "vitest";
import { later, MapStore } from "./map-store.js";

export type OpenOptions = Parameters<typeof open>[1];

/** A kind of store by name, and how to open a fresh one. */
export type StoreKind = readonly [name: string, open: (options?: OpenOptions) => Promise<Sessions>];

// So that `openSync` works in browsers too, whichever test of a file runs first.
await init();

const opened: Sessions[] = [];

afterEach(async () => {
  for (const sessions of opened.splice(0)) await sessions.close();
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
      ]
    : [];

const indexedDb: readonly StoreKind[] =
  __BUILD__ === "browser"
    ? [["in IndexedDB", (await import("./indexeddb.js")).openerOf(opening)]]
    : [];

export const everyStore: readonly StoreKind[] = [
  ...onDisk,
  ...indexedDb,
  ["in memory", inMemory],
  ["over a store of one's own that answers at once", (options) => opening(new MapStore(), options)],
  [
    "over a store of one's own that answers later",
    (options) => opening(later(new MapStore()), options),
  ],
];

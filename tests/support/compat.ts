// The stores for tests of `tenure/compat`: all synchronous ones.

import { type CompatOptions, closeStore, configure, configureWebhook, init } from "tenure/compat";
import { afterEach, beforeAll } from "vitest";
import { MapStore } from "./map-store.js";

/** The name of a kind of store, and how to create one. */
export type CompatStore = readonly [name: string, make: () => CompatOptions["store"]];

beforeAll(() => init());

afterEach(async () => {
  configureWebhook(null);
  await closeStore();
});

/** Configures a new store. */
export function useStore(make: () => CompatOptions["store"], options: CompatOptions = {}): void {
  configure({ ...options, store: make() });
}

const onDisk = async (): Promise<readonly CompatStore[]> => {
  const { newDatabase } = await import("./sqlite.js");
  const { newFolder } = await import("./folders.js");
  return [
    ["in SQLite", () => `sqlite:${newDatabase()}`],
    ["in files", () => `file:${newFolder()}`],
  ];
};

export const compatStores: readonly CompatStore[] = [
  ...(__BUILD__ === "native" ? await onDisk() : []),
  ["in memory", () => "memory:"],
  ["over a JavaScript store", () => new MapStore()],
];

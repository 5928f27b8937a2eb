// The stores over which `tenure/compat` is looked at: those that answer at once.

import { type CompatOptions, closeStore, configure, configureWebhook, init } from "tenure/compat";
import { afterEach, beforeAll } from "vitest";
import { MapStore } from "./map-store.js";

/** A kind of store by name, and how to make a fresh one. */
export type CompatStore = readonly [name: string, make: () => CompatOptions["store"]];

beforeAll(() => init());

afterEach(async () => {
  configureWebhook(null);
  await closeStore();
});

/** Puts a fresh store in place of the one that is configured. */
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
  ["over a store of one's own", () => new MapStore()],
];

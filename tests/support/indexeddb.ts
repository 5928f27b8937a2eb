// IndexedDB databases for tests, each with its own name, deleted after the test.

import { afterEach } from "vitest";

const names: string[] = [];

// Connections that are still open close by themselves.
afterEach(() => {
  for (const name of names.splice(0)) indexedDB.deleteDatabase(name);
});

/** The name of a database that does not exist yet. */
export function newDatabase(): string {
  const name = `tenure-test-${crypto.randomUUID()}`;
  names.push(name);
  return name;
}

/** Opens a new database with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`indexeddb:${newDatabase()}`, options);
}

// Databases in the browser for tests: each with a name of its own, and removed after the test.

import { afterEach } from "vitest";

const names: string[] = [];

// What is still open by now gives way.
afterEach(() => {
  for (const name of names.splice(0)) indexedDB.deleteDatabase(name);
});

/** The name of a database that is not there yet. */
export function newDatabase(): string {
  const name = `tenure-test-${crypto.randomUUID()}`;
  names.push(name);
  return name;
}

/** Opens a fresh database with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`indexeddb:${newDatabase()}`, options);
}

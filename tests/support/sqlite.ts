// Databases for tests: each in a folder of its own, which is removed after the test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A path for a database that is not there yet. */
export function newDatabase(): string {
  const folder = mkdtempSync(join(tmpdir(), "tenure-test-"));
  folders.push(folder);
  return join(folder, "sessions.db");
}

/** Opens a fresh database with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`sqlite:${newDatabase()}`, options);
}

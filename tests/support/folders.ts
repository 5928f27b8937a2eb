// Temporary folders, which are deleted after the test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tenure-test-"));
  folders.push(folder);
  return folder;
}

/** An empty folder for all tests of a file. */
export function lastingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tenure-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a new file store with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`file:${join(newFolder(), "sessions")}`, options);
}

// SQLite databases for tests, each in its own folder, which is deleted after the test.

import { join } from "node:path";
import { newFolder } from "./folders.js";

/** A path for a database that does not exist yet. */
export function newDatabase(): string {
  return join(newFolder(), "sessions.db");
}

/** Opens a new database with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`sqlite:${newDatabase()}`, options);
}

// Databases for tests: each in a folder of its own, which is removed after the test.

import { join } from "node:path";
import { newFolder } from "./folders.js";

/** A path for a database that is not there yet. */
export function newDatabase(): string {
  return join(newFolder(), "sessions.db");
}

/** Opens a fresh database with `open`. */
export function openerOf<Options, Handle>(
  open: (url: string, options?: Options) => Handle,
): (options?: Options) => Handle {
  return (options) => open(`sqlite:${newDatabase()}`, options);
}

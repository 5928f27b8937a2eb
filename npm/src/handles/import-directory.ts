/**
 * The function `importDirectory`: opens the target, runs the import, and closes the target if it
 * opened it. For Node.
 *
 * @module
 */

import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ImportDirectoryOptions,
  type ImportDirectoryResult,
  importFiles,
} from "../jobs/import-directory.js";
import type { Target } from "../stores/target.js";
import { invalidArgument, messageOf } from "../values/error.js";
import type { Sessions } from "./sessions.js";
import { type CopyTarget, sideOf } from "./side.js";

/** Imports the files that other programs left in a directory. */
export type ImportDirectory = (
  directory: string | URL,
  to: CopyTarget,
  options?: ImportDirectoryOptions,
) => Promise<ImportDirectoryResult>;

/** Returns `importDirectory` for an entry point; `open` opens a target that is not open. */
export function importDirectoryWith(open: (target: Target) => Promise<Sessions>): ImportDirectory {
  return async (directory, to, options = {}) => {
    if (typeof options !== "object" || options === null) {
      throw invalidArgument("options", "expected an object");
    }
    const root = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
    await readdir(root).catch((thrown: unknown) => {
      throw invalidArgument("directory", `cannot be read: ${messageOf(thrown)}`, thrown);
    });
    const { handle, close } = await sideOf(open, to);
    try {
      return await importFiles(root, handle, options);
    } finally {
      await close();
    }
  };
}

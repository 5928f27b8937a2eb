/**
 * The function `importDirectory`: opens the target, runs the import, and closes the target if it
 * opened it. For Node.
 *
 * @module
 */

import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Binding } from "../builds/binding.js";
import type { ImportDirectoryResult } from "../generated.js";
import { type ImportDirectoryOptions, importFiles } from "../jobs/import-directory.js";
import type { Target } from "../stores/target.js";
import { exactlyAsync } from "../values/arguments.js";
import { invalidArgument, messageOf } from "../values/error.js";
import { checkOptions, described, read } from "../values/options.js";
import type { Sessions } from "./sessions.js";
import { type CopyTarget, Side } from "./side.js";

/** Imports the files that other programs left in a directory. */
export type ImportDirectory = (
  directory: string | URL,
  to: CopyTarget,
  options?: ImportDirectoryOptions,
) => Promise<ImportDirectoryResult>;

/** Returns `importDirectory` for an entry point; `open` opens a target that is not open. */
export function importDirectoryWith(
  binding: () => Promise<Binding>,
  open: (target: Target) => Promise<Sessions>,
): ImportDirectory {
  return exactlyAsync("importDirectory", 3, async (directory, to, options = {}) => {
    checkOptions(options, {
      dryRun: "boolean",
      token: "any",
      onProgress: "function",
      signal: "signal",
    });
    if (to === undefined) throw invalidArgument("to", "expected a store");
    const root = pathOf(directory);
    await readdir(root).catch((thrown: unknown) => {
      throw invalidArgument("directory", `cannot be read: ${messageOf(thrown)}`, thrown);
    });
    const target = new Side(open, to);
    try {
      return await importFiles(await binding(), root, await target.open(), options);
    } finally {
      await target.close();
    }
  });
}

/** The absolute path of a directory. */
function pathOf(directory: unknown): string {
  if (directory instanceof URL && directory.protocol === "file:") return fileURLToPath(directory);
  if (typeof directory === "string" && directory !== "") return resolve(directory);
  const got = read("directory", () => described(directory));
  const problem = `expected a path or a file: URL, got ${got}; the store is the second argument`;
  throw invalidArgument("directory", problem);
}

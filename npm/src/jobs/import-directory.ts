/**
 * The job that imports the files that other programs left in a directory, as callers start it. This
 * file reads directories and files; the core decides which, and what is written. For Node.
 *
 * @module
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Binding } from "../builds/binding.js";
import type { Performer } from "../connection/call.js";
import type { ImportDirectoryResult, ImportProgress } from "../generated.js";
import { aborted, fileUnreadable } from "../values/error.js";
import { runJob } from "./job.js";

/** The greatest size of a file, in bytes. A text of JavaScript holds at most twice as much. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Options of an import. */
export interface ImportDirectoryOptions {
  /** Only report what would be written. */
  readonly dryRun?: boolean | undefined;
  /** The fencing token of the leases of the sessions in their place, if those are held. */
  readonly token?: number | undefined;
  /**
   * Called after each file. What it throws, or a promise of it rejects with, ends the import. A
   * promise is not waited for.
   */
  readonly onProgress?: ((progress: ImportProgress) => unknown) | undefined;
  /**
   * Aborts the import, which then rejects with `ABORTED`. Started again, it continues from there.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Imports the files of the directory `path` into the store of `target`. */
export function importFiles(
  binding: Binding,
  path: string,
  target: Performer,
  options: ImportDirectoryOptions,
): Promise<ImportDirectoryResult> {
  const { dryRun, token, onProgress, signal } = options;
  const checkSignal = (): void => {
    if (signal?.aborted) throw aborted(signal.reason);
  };
  return runJob(
    binding,
    "importDirectory",
    { path, dryRun, token },
    {
      run(_, name, params) {
        checkSignal();
        return target.perform(name, params);
      },
      async readFolder(folder) {
        checkSignal();
        const entries = await readable(readdir(folder, { withFileTypes: true }));
        return (
          entries
            // What is no regular file is listed: if it is wanted, reading it fails.
            .filter((entry) => !entry.isSymbolicLink())
            .map((entry) => ({ path: join(folder, entry.name), isFolder: entry.isDirectory() }))
        );
      },
      async readFile(file) {
        checkSignal();
        const found = await readable(stat(file));
        if (!found.isFile()) throw fileUnreadable(new Error("it is not a regular file"));
        if (found.size > MAX_FILE_BYTES) {
          throw fileUnreadable(new Error(`it is larger than ${MAX_FILE_BYTES} bytes`));
        }
        const bytes = await readable(readFile(file));
        return { text: decode(bytes), modifiedAt: timestampOf(found.mtime) };
      },
      progress: (progress) => onProgress?.(progress as ImportProgress),
    },
  );
}

async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (thrown) {
    throw fileUnreadable(thrown);
  }
}

/** A time as the core reads it; `undefined` for one that is outside of the calendar. */
function timestampOf(time: Date): string | undefined {
  const text = Number.isNaN(time.getTime()) ? "" : time.toISOString();
  return /^\d{4}-/.test(text) ? text : undefined;
}

/** Invalid UTF-8 is refused: replacement characters would change the content. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw fileUnreadable(thrown);
  }
}

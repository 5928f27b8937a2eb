/**
 * Imports the files that other programs have left behind in a directory. It walks the directory and
 * hands over what it finds; which files are known, what they say and what becomes of them is
 * decided in the core. For Node.
 *
 * @module
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Performer } from "../connection/call.js";
import type { FileImport, Holds } from "../generated.js";
import { aborted, fileUnreadable } from "../values/error.js";

/** How a directory is imported. */
export interface ImportDirectoryOptions {
  /** Only say what would be written. */
  readonly dryRun?: boolean | undefined;
  /** Told of each file, once it is done with. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Stops the import, which then rejects with `ABORTED`. Started again, it goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** How far an import has come. */
export interface ImportProgress {
  /** The file that was done with last, as seen from the directory. */
  readonly path: string;
  /** How many files there were so far. */
  readonly files: number;
}

/** What has become of sessions, leases or entries. */
export interface ImportCounts {
  /** Those that were written, or would be. */
  readonly written: number;
  /** Those that were there already. */
  readonly unchanged: number;
  /** Those that are newer where they were to be written, and were left alone. */
  readonly newer: number;
}

/** Something that could not be read or written. It hides nothing else. */
export interface ImportProblem {
  /** The file or folder, as seen from the directory. */
  readonly path: string;
  /** The code of the error. */
  readonly code: string;
  /** What is wrong. */
  readonly message: string;
}

/** What an import has come to. */
export interface ImportDirectoryResult extends Readonly<Record<Holds, ImportCounts>> {
  /** How many files of a known layout there were. */
  readonly files: number;
  /** How many problems there were. */
  readonly failed: number;
  /** The first 1,000 of them. */
  readonly problems: readonly ImportProblem[];
  /** Whether nothing was written because only a plan was asked for. */
  readonly dryRun: boolean;
}

/** How many problems a result names. */
const MAX_NAMED = 1000;

/** Imports the files of the directory `root` into the store of `target`. */
export function importFiles(
  root: string,
  target: Performer,
  options: ImportDirectoryOptions,
): Promise<ImportDirectoryResult> {
  return new Importing(root, target, options).run();
}

type Counts = { -readonly [K in keyof ImportCounts]: number };

/** An import that is under way. */
class Importing {
  readonly #root: string;
  readonly #handle: Performer;
  readonly #options: ImportDirectoryOptions;
  readonly #counts: Record<Holds, Counts> = {
    sessions: { written: 0, unchanged: 0, newer: 0 },
    leases: { written: 0, unchanged: 0, newer: 0 },
    audit: { written: 0, unchanged: 0, newer: 0 },
  };
  readonly #problems: ImportProblem[] = [];
  #failed = 0;
  #files = 0;

  constructor(root: string, handle: Performer, options: ImportDirectoryOptions) {
    this.#root = root;
    this.#handle = handle;
    this.#options = options;
  }

  async run(): Promise<ImportDirectoryResult> {
    await this.#folder(this.#root);
    return {
      ...this.#counts,
      files: this.#files,
      failed: this.#failed,
      problems: this.#problems,
      dryRun: this.#options.dryRun ?? false,
    };
  }

  async #folder(folder: string): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
      this.#problem(folder, fileUnreadable(thrown));
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      // A link may lead round in a circle, or out of the directory: it is not followed.
      if (entry.isDirectory()) {
        if (await this.#isWanted(path + sep)) await this.#folder(path);
      } else if (entry.isFile() && (await this.#isWanted(path))) {
        await this.#file(path);
      }
    }
  }

  #isWanted(path: string): Promise<boolean> {
    const { signal } = this.#options;
    if (signal?.aborted) throw aborted(signal.reason);
    return this.#handle.perform("importWanted", { path });
  }

  async #file(path: string): Promise<void> {
    const { dryRun, onProgress } = this.#options;
    this.#files += 1;
    let file: { readonly text: string; readonly modifiedAt: string } | undefined;
    try {
      const { mtime } = await stat(path);
      // What is no UTF-8 is refused: with its bytes replaced it would not be what was there.
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
      file = { text, modifiedAt: mtime.toISOString() };
    } catch (thrown) {
      this.#problem(path, fileUnreadable(thrown));
    }
    if (file !== undefined) {
      this.#count(path, await this.#handle.perform("importFile", { path, ...file, dryRun }));
    }
    onProgress?.({ path: this.#shown(path), files: this.#files });
  }

  #count(path: string, { holds, written, unchanged, newer, problems }: FileImport): void {
    for (const problem of problems) this.#problem(path, problem);
    if (holds === undefined) return;
    const counts = this.#counts[holds];
    counts.written += written;
    counts.unchanged += unchanged;
    counts.newer += newer;
  }

  #problem(path: string, { code, message }: Omit<ImportProblem, "path">): void {
    this.#failed += 1;
    if (this.#problems.length < MAX_NAMED) {
      this.#problems.push({ path: this.#shown(path), code, message });
    }
  }

  #shown(path: string): string {
    return relative(this.#root, path) || ".";
  }
}

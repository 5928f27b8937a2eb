/**
 * The job that imports the files that other programs left in a directory. It walks the directory
 * and passes the files to the core, which recognises their formats, parses them and decides what is
 * written. For Node.
 *
 * @module
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Performer } from "../connection/call.js";
import type { FileImport, Holds } from "../generated.js";
import { aborted, fileUnreadable } from "../values/error.js";

/** Options of an import. */
export interface ImportDirectoryOptions {
  /** Only report what would be written. */
  readonly dryRun?: boolean | undefined;
  /** Called after each file. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /**
   * Aborts the import, which then rejects with `ABORTED`. Started again, it continues from there.
   */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of an import. */
export interface ImportProgress {
  /** The last processed file, relative to the directory. */
  readonly path: string;
  /** The number of processed files. */
  readonly files: number;
}

/** The numbers of imported sessions, leases or audit entries. */
export interface ImportCounts {
  /** The number that was written, or would be with `dryRun`. */
  readonly written: number;
  /** The number that existed already. */
  readonly unchanged: number;
  /** The number that is newer in the target, and was not changed. */
  readonly newer: number;
}

/** A file that could not be read, or an item that could not be written. Others are not affected. */
export interface ImportProblem {
  /** The file or folder, relative to the directory. */
  readonly path: string;
  /** The code of the error. */
  readonly code: string;
  /** The error message. */
  readonly message: string;
}

/** The result of an import. */
export interface ImportDirectoryResult extends Readonly<Record<Holds, ImportCounts>> {
  /** The number of files with a known format. */
  readonly files: number;
  /** The number of problems. */
  readonly failed: number;
  /** The first 1,000 problems. */
  readonly problems: readonly ImportProblem[];
  /** Whether nothing was written because of the option `dryRun`. */
  readonly dryRun: boolean;
}

/** The maximum number of problems in a result. */
const MAX_LISTED = 1000;

/** Imports the files of the directory `root` into the store of `target`. */
export function importFiles(
  root: string,
  target: Performer,
  options: ImportDirectoryOptions,
): Promise<ImportDirectoryResult> {
  return new ImportRun(root, target, options).run();
}

type Counts = { -readonly [K in keyof ImportCounts]: number };

/** A running import. */
class ImportRun {
  readonly #root: string;
  readonly #target: Performer;
  readonly #options: ImportDirectoryOptions;
  readonly #counts: Record<Holds, Counts> = {
    sessions: { written: 0, unchanged: 0, newer: 0 },
    leases: { written: 0, unchanged: 0, newer: 0 },
    audit: { written: 0, unchanged: 0, newer: 0 },
  };
  readonly #problems: ImportProblem[] = [];
  #failed = 0;
  #files = 0;

  constructor(root: string, target: Performer, options: ImportDirectoryOptions) {
    this.#root = root;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<ImportDirectoryResult> {
    await this.#walk(this.#root);
    return {
      ...this.#counts,
      files: this.#files,
      failed: this.#failed,
      problems: this.#problems,
      dryRun: this.#options.dryRun ?? false,
    };
  }

  async #walk(folder: string): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
      this.#addProblem(folder, fileUnreadable(thrown));
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      // Links are not followed: they may form a cycle, or lead out of the directory.
      if (entry.isDirectory()) {
        if (await this.#isWanted(path + sep)) await this.#walk(path);
      } else if (entry.isFile() && (await this.#isWanted(path))) {
        await this.#importFile(path);
      }
    }
  }

  #isWanted(path: string): Promise<boolean> {
    const { signal } = this.#options;
    if (signal?.aborted) throw aborted(signal.reason);
    return this.#target.perform("importWanted", { path });
  }

  async #importFile(path: string): Promise<void> {
    const { dryRun, onProgress } = this.#options;
    this.#files += 1;
    let file: { readonly text: string; readonly modifiedAt: string } | undefined;
    try {
      const { mtime } = await stat(path);
      // Invalid UTF-8 is refused: replacement characters would change the content.
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
      file = { text, modifiedAt: mtime.toISOString() };
    } catch (thrown) {
      this.#addProblem(path, fileUnreadable(thrown));
    }
    if (file !== undefined) {
      this.#count(path, await this.#target.perform("importFile", { path, ...file, dryRun }));
    }
    onProgress?.({ path: this.#relativePath(path), files: this.#files });
  }

  #count(path: string, { holds, written, unchanged, newer, problems }: FileImport): void {
    for (const problem of problems) this.#addProblem(path, problem);
    if (holds === undefined) return;
    const counts = this.#counts[holds];
    counts.written += written;
    counts.unchanged += unchanged;
    counts.newer += newer;
  }

  #addProblem(path: string, { code, message }: Omit<ImportProblem, "path">): void {
    this.#failed += 1;
    if (this.#problems.length < MAX_LISTED) {
      this.#problems.push({ path: this.#relativePath(path), code, message });
    }
  }

  #relativePath(path: string): string {
    return relative(this.#root, path) || ".";
  }
}

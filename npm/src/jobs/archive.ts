/**
 * Archives of sessions: passes the parts that a job exports to the functions of a caller.
 *
 * @module
 */

import type { ExportedPart } from "../builds/binding.js";
import { Deferred } from "../runtime/deferred.js";
import type { MaybePromise } from "../stores/store.js";
import { archiveFailed, invalidArgument, isTenureError, tooLarge } from "../values/error.js";
import { checkOptions, described, read } from "../values/options.js";
import type { JobHost, NotVerified } from "./job.js";

/**
 * Archives a session, given as the text that `export` returns. If it throws, or returns anything but
 * `true` or nothing, the session stays in the trash.
 */
export type Archive = (session: string, id: string) => MaybePromise<void> | MaybePromise<true>;

/**
 * Archives a session of any size, given as the parts that `exportParts` returns. If it throws, ends
 * before it has read all parts, or returns anything but `true` or nothing, the session stays in the
 * trash.
 */
export type ArchiveParts = (
  parts: AsyncIterable<string>,
  id: string,
) => MaybePromise<void> | MaybePromise<true>;

/**
 * An archive in a folder or in object storage: `"file:./archive"`, `"s3://bucket/prefix"`, `"gs://bucket/prefix"` or
 * `"az://container/prefix"`.
 */
export interface ArchiveLocation {
  /** The URL of the archive. */
  readonly url: string | URL;
  /** Whether sessions are compressed; `false` by default. */
  readonly compress?: boolean | undefined;
}

/** A batch of sessions that is being archived. */
export interface ArchiveBatch {
  /** Adds a part of a session. */
  add(part: ExportedPart): Promise<void>;
  /** Reads back what was stored, and lists it. Returns the sessions that are not durable. */
  finish(): Promise<readonly NotVerified[]>;
  /** Drops the batch. */
  close(): void;
}

/** An archive at a URL. */
export class ArchiveAt {
  readonly url: string;
  readonly compress: boolean;

  constructor(location: unknown, what: string) {
    const { url, compress = false } = isLocation(location) ? location : { url: location };
    if (typeof url !== "string" && !(url instanceof URL)) {
      throw invalidArgument(what, "expected a function, or the URL of an archive");
    }
    if (typeof compress !== "boolean") throw invalidArgument("compress", "expected a boolean");
    this.url = String(url);
    this.compress = compress;
  }
}

function isLocation(location: unknown): location is ArchiveLocation {
  if (typeof location !== "object" || location === null || location instanceof URL) return false;
  checkOptions(location, { url: "any", compress: "boolean" }, "archive");
  return true;
}

/** What archives sessions: a function, or an archive at a URL. */
export type Archiver = ArchiveParts | ArchiveAt;

/**
 * How sessions are archived: by one of two functions, or at a URL. A session that it does not archive stays in the
 * trash; retention then retries its pass.
 */
export interface ArchiveOptions {
  /**
   * Archives each session before it is deleted: a function, with one text of up to 512 MiB, or the URL of an
   * archive, over the native addon.
   */
  readonly archive?: Archive | string | URL | ArchiveLocation | undefined;
  /** Archives each session before it is deleted, part by part: for sessions of any size. */
  readonly archiveParts?: ArchiveParts | undefined;
}

/** The length of the longest text in Node, in UTF-16 code units. */
const MAX_LENGTH = 2 ** 29 - 24;

/** The function that archives sessions, if there is one. */
export function archiveOf(
  options: ArchiveOptions | undefined,
  what = "archive",
): Archiver | undefined {
  const { archive, archiveParts } = read("archive", () => ({
    archive: options?.archive,
    archiveParts: options?.archiveParts,
  }));
  if (archive === undefined) return archiveParts;
  if (archiveParts !== undefined) {
    throw invalidArgument("archiveParts", "expected one of `archive` and `archiveParts`");
  }
  if (typeof archive !== "function") return new ArchiveAt(archive, what);
  return async (parts, id) => {
    let session = "";
    for await (const part of parts) {
      const length = session.length + part.length;
      if (length > MAX_LENGTH) throw tooLarge("session", length, MAX_LENGTH);
      session += part;
    }
    checkAnswer(await archive(session, id));
  };
}

/** Refuses the answer of an archive that may say that it has not archived the session. */
function checkAnswer(answer: unknown): void {
  if (answer === undefined || answer === true) return;
  throw new Error(`expected undefined or true from the archive, got ${described(answer)}`);
}

/** What exports sessions to an archive. `open` begins a batch at a URL. */
export function exportTo(
  archive: () => Archiver,
  open: (at: ArchiveAt) => ArchiveBatch,
): Required<Pick<JobHost, "export" | "verify">> & { stop(): void } {
  // Not kept after the last part: retention must not keep the archive of a handle that is gone.
  let archiving: Archiving | undefined;
  let batch: ArchiveBatch | undefined;
  return {
    async export(part) {
      try {
        const archiver = archive();
        if (archiver instanceof ArchiveAt) {
          batch ??= open(archiver);
          await batch.add(part);
          return;
        }
        const current = part.isFirst ? new Archiving(archiver, part.id) : archiving;
        archiving = part.isLast || part.isAborted ? undefined : current;
        await current?.add(part);
      } catch (thrown) {
        throw isTenureError(thrown) ? thrown : archiveFailed(thrown);
      }
    },
    // A function has archived a session when it returns.
    async verify() {
      const ended = batch;
      batch = undefined;
      return ended?.finish();
    },
    stop() {
      batch?.close();
      batch = undefined;
    },
  };
}

/** A session that is being archived. */
class Archiving {
  #next = new Deferred<string | undefined>();
  #taken = new Deferred<void>();
  #isReadToEnd = false;
  readonly #archived: Promise<void>;

  constructor(archive: ArchiveParts, id: string) {
    this.#archived = this.#archive(archive, id);
    // It is awaited with the next part.
    this.#archived.catch(() => {});
    this.#next.promise.catch(() => {});
  }

  /** Passes a part on. Waits until the next one is wanted, and after the last one for the end. */
  async add({ text, isLast, isAborted }: ExportedPart): Promise<void> {
    if (isAborted) {
      this.#next.reject(new Error("the session cannot be exported to its end"));
      return;
    }
    if (text !== "") {
      this.#next.resolve(text);
      await Promise.race([this.#taken.promise, this.#archived]);
    }
    if (isLast) {
      this.#next.resolve(undefined);
      await this.#archived;
    }
  }

  async #archive(archive: ArchiveParts, id: string): Promise<void> {
    checkAnswer(await archive(this.#parts(), id));
    if (!this.#isReadToEnd) throw new Error("the archive has not read all parts of the session");
  }

  async *#parts(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const part = await this.#next.promise;
      if (part === undefined) break;
      this.#next = new Deferred();
      this.#next.promise.catch(() => {});
      yield part;
      const taken = this.#taken;
      this.#taken = new Deferred();
      taken.resolve();
    }
    this.#isReadToEnd = true;
  }
}

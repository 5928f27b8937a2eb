/**
 * Archives of sessions: passes the parts that a job exports to the functions of a caller.
 *
 * @module
 */

import type { ExportedPart } from "../builds/binding.js";
import type { MaybePromise } from "../stores/store.js";
import { archiveFailed, invalidArgument, isTenureError, tooLarge } from "../values/error.js";
import { described, read } from "../values/options.js";
import type { JobHost } from "./job.js";

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
 * How sessions are archived: by one of two functions. A session that it does not archive stays in the
 * trash; retention then retries its pass.
 */
export interface ArchiveOptions {
  /** Archives each session before it is deleted, as one text of up to 512 MiB. */
  readonly archive?: Archive | undefined;
  /** Archives each session before it is deleted, part by part: for sessions of any size. */
  readonly archiveParts?: ArchiveParts | undefined;
}

/** The length of the longest text in Node, in UTF-16 code units. */
const MAX_LENGTH = 2 ** 29 - 24;

/** The function that archives sessions, if there is one. */
export function archiveOf(options: ArchiveOptions | undefined): ArchiveParts | undefined {
  const { archive, archiveParts } = read("archive", () => ({
    archive: options?.archive,
    archiveParts: options?.archiveParts,
  }));
  if (archive === undefined) return archiveParts;
  if (archiveParts !== undefined) {
    throw invalidArgument("archiveParts", "expected one of `archive` and `archiveParts`");
  }
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

/** Exports sessions to an archive. */
export function exportTo(archive: () => ArchiveParts): NonNullable<JobHost["export"]> {
  // Not kept after the last part: retention must not keep the archive of a handle that is gone.
  let archiving: Archiving | undefined;
  return async (part) => {
    try {
      const current = part.isFirst ? new Archiving(archive(), part.id) : archiving;
      archiving = part.isLast || part.isAborted ? undefined : current;
      await current?.add(part);
    } catch (thrown) {
      throw isTenureError(thrown) ? thrown : archiveFailed(thrown);
    }
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

/** A promise that is settled from outside. */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

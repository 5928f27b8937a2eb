/**
 * An archive of sessions, as a handle reads it: in a folder or in object storage, with the keys of the handle's store. `purge`,
 * `retention` and `jobs` fill it.
 *
 * @module
 */

import type { Connection } from "../connection/connection.js";
import { checkArguments, mayTake, rejected } from "../values/arguments.js";
import { checkOptions, copyOf, withOptions } from "../values/options.js";
import type { JsonObject } from "../values/session-data.js";
import type { SessionHead, SessionTypes } from "../values/session-types.js";

/** An archived session. */
export interface ArchivedSession {
  /** The id of the session. */
  readonly id: string;
  /** The version of the session. */
  readonly version: number;
  /** The object, from the root of the archive. */
  readonly path: string;
  /** The size of the object, in bytes. */
  readonly bytes: number;
  /** The SHA-256 of the object, in hexadecimal digits. */
  readonly sha256: string;
  /** The size of the text that `export` returned, in bytes. */
  readonly textBytes: number;
  /** How the text is compressed. */
  readonly compression?: "gzip";
  /** The id of the key with which the object is encrypted. */
  readonly key?: string;
  /** When it was archived, in RFC 3339. */
  readonly archivedAt: string;
  /** The user, mode, status, task id, phase, model, times and number of events. */
  readonly about?: JsonObject;
}

/** Which archived sessions to list. */
export interface ArchiveListOptions {
  /** Only the versions of this session. */
  readonly id?: string | undefined;
  /** Only what was archived at this time or later: RFC 3339, or milliseconds since 1970. */
  readonly after?: string | number | undefined;
  /** The greatest number of sessions in the page: 50 by default, up to 1,000. */
  readonly limit?: number | undefined;
  /** The `nextCursor` of the previous page. */
  readonly cursor?: string | undefined;
}

/** A page of archived sessions, newest first. */
export interface ArchivePage {
  /** The sessions. */
  readonly items: readonly ArchivedSession[];
  /** The `cursor` of the next page; absent if this is the last one. */
  readonly nextCursor?: string;
  /** The manifests that cannot be read, whose sessions are missing; absent if there are none. */
  readonly problems?: readonly ArchiveProblem[];
}

/** What is wrong with an object of an archive. */
export interface ArchiveProblem {
  /** The object, from the root of the archive. */
  readonly path: string;
  /** The id of the session, if it is known. */
  readonly id: string | null;
  /** What is wrong with it. */
  readonly problem: string;
}

/** Which version of an archived session. */
export interface ArchiveVersionOptions {
  /** The version; by default the last one. */
  readonly version?: number | undefined;
}

/** How to restore an archived session. */
export interface ArchiveRestoreOptions extends ArchiveVersionOptions {
  /** Whether a session of the store with the same id is replaced; `false` by default. */
  readonly replace?: boolean | undefined;
}

/** The result of comparing an archive with its manifests. */
export interface ArchiveVerification {
  /** The number of sessions whose objects are what was archived. */
  readonly sessions: number;
  /** Their size in the archive, in bytes. */
  readonly bytes: number;
  /** The number of objects that no manifest lists, of batches that were interrupted. */
  readonly unlisted: number;
  /** The first 1,000 problems. */
  readonly problems: readonly ArchiveProblem[];
}

/** Imports a session into the store. */
export type RestoreSession<T extends SessionTypes> = (
  text: string,
  replace: boolean,
) => Promise<SessionHead<T>>;

/** An archive of sessions. Made by `sessions.archive`. */
export class SessionArchive<T extends SessionTypes = SessionTypes> {
  static {
    checkArguments<SessionArchive>(SessionArchive, rejected, {
      list: mayTake("options", 0, "{ id }", 1),
      get: mayTake("options", 1, "{ version }", 2),
      restore: mayTake("options", 1, "{ replace: true }", 2),
    });
  }

  readonly #connection: Connection;
  readonly #url: string;
  readonly #import: RestoreSession<T>;

  /** @internal */
  constructor(connection: Connection, url: string, restore: RestoreSession<T>) {
    this.#connection = connection;
    this.#url = url;
    this.#import = restore;
  }

  /** Returns a page of archived sessions, newest first. */
  async list(options: ArchiveListOptions = {}): Promise<ArchivePage> {
    const given = copyOf(options);
    checkOptions(given, { id: "any", after: "any", limit: "any", cursor: "any" });
    return this.#connection.readArchive(this.#url, "list", given);
  }

  /** Returns an archived session, as the text that `export` returned; `null` if there is none. */
  async get(id: string, options: ArchiveVersionOptions = {}): Promise<string | null> {
    const given = copyOf(options);
    checkOptions(given, { version: "any" });
    const got = await this.#connection.readArchive<{ readonly text: string } | null>(
      this.#url,
      "get",
      withOptions(given, { id }),
    );
    return got?.text ?? null;
  }

  /**
   * Brings an archived session back into the store, into the trash if it was there; `null` if there is none. A session of the store with
   * the same id is not replaced (`SESSION_EXISTS`), unless the options say so.
   */
  async restore(id: string, options: ArchiveRestoreOptions = {}): Promise<SessionHead<T> | null> {
    const given = copyOf(options);
    checkOptions(given, { version: "any", replace: "boolean" });
    const { version, replace = false } = given;
    const text = await this.get(id, { version });
    if (text === null) return null;
    return this.#import(text, replace);
  }

  /** Reads all objects, and compares them with the manifests. */
  async verify(): Promise<ArchiveVerification> {
    return this.#connection.readArchive(this.#url, "verify", {});
  }
}

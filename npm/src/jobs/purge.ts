/**
 * The job that archives sessions before they are purged, as callers start it. The core decides which
 * sessions are purgeable, and checks it again when it purges them.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { Performer } from "../connection/call.js";
import type { PurgeParams, PurgeResult } from "../generated.js";
import type { MaybePromise } from "../stores/store.js";
import { archiveFailed, invalidArgument, isTenureError, tooLarge } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import { type JobHost, runJob } from "./job.js";

/**
 * Archives a session, given as the text that `export` returns. If it throws, the session stays in
 * the trash.
 */
export type Archive = (session: string, id: string) => MaybePromise<void>;

/** Options of a purge. */
export interface PurgeOptions {
  /** Archives each session before it is deleted. */
  readonly archive?: Archive | undefined;
}

/**
 * Checks what a caller of `purge` passes. An archive in the wrong place would be ignored, and the
 * sessions deleted without it.
 */
export function checkPurge(params: unknown, options: unknown): void {
  checkOptions(options, { archive: "function" });
  if (typeof params !== "object" || params === null) {
    throw invalidArgument("purge", "expected an object");
  }
  for (const name of ["archive", "batch"]) {
    if (name in params) {
      const problem =
        name === "archive"
          ? "expected it among the options, which are the second argument"
          : "is not known";
      throw invalidArgument(name, problem);
    }
  }
}

/** Archives and purges the sessions in the trash. */
export function purgeArchived(
  binding: Binding,
  store: Performer,
  params: Accepts<PurgeParams>,
  archive: Archive,
): Promise<PurgeResult> {
  return runJob(
    binding,
    "retentionPurge",
    { ...params, archive: true },
    {
      run: (_, name, params) => store.perform(name, params),
      export: exportTo(() => archive),
    },
  );
}

/** The length of the longest text in Node, in UTF-16 code units. */
const MAX_LENGTH = 2 ** 29 - 24;

/** Exports sessions to an archive, which gets each session as one text. */
export function exportTo(archive: () => Archive): NonNullable<JobHost["export"]> {
  let session = "";
  return async ({ id, text, isFirst, isLast }) => {
    try {
      const former = isFirst ? "" : session;
      session = "";
      const length = former.length + text.length;
      if (length > MAX_LENGTH) throw tooLarge("session", length, MAX_LENGTH);
      if (isLast) await archive()(former + text, id);
      else session = former + text;
    } catch (thrown) {
      throw isTenureError(thrown) ? thrown : archiveFailed(thrown);
    }
  };
}

/**
 * The job of retention over a handle: moves sessions of an age to the trash, purges the trash, and
 * removes expired records, at intervals. The core decides which and when. The timer never keeps a
 * process alive.
 *
 * @module
 */

import { type Binding, parseAnswer, resultOf } from "../builds/binding.js";
import type { OperationName, Params } from "../connection/call.js";
import type { RetentionParams, RetentionProgress } from "../generated.js";
import { startTimer } from "../runtime/timers.js";
import type { MaybePromise } from "../stores/store.js";
import { closed, notRemoved } from "../values/error.js";
import {
  type ArchiveAt,
  type ArchiveBatch,
  type ArchiveOptions,
  type Archiver,
  exportTo,
} from "./archive.js";
import { Job } from "./job.js";

/** Which sessions retention removes, and how often. */
export interface RetentionOptions extends ArchiveOptions {
  /**
   * The age at which sessions move to the trash, unless they are active or paused: a duration such
   * as `"30d"`, or milliseconds.
   */
  readonly maxAge: string | number;
  /**
   * The interval between two passes: a duration such as `"24h"`, or milliseconds. The first pass
   * runs within a minute.
   */
  readonly every: string | number;
  /**
   * The time after which sessions in the trash are purged: a duration, or milliseconds; `maxAge` by
   * default.
   */
  readonly purgeAfter?: string | number | undefined;
  /**
   * The time for which entries of the audit log are kept: a duration, or milliseconds; `"365d"` by
   * default.
   */
  readonly keepAudit?: string | number | undefined;
}

/** The result of a retention pass. */
export interface RetentionPass extends Omit<RetentionProgress, "isFinalFailure"> {
  /** When it began, in RFC 3339. */
  readonly at: string;
}

/** The handle that retention runs over. */
export interface RetentionHost {
  /** Whether the handle is closed. */
  readonly isClosed: boolean;
  /** Archives sessions before they are purged. */
  readonly archive: Archiver | undefined;
  /** Begins a batch of an archive at a URL. */
  openArchive(at: ArchiveAt): ArchiveBatch;
  /** Runs an operation. */
  run<N extends OperationName>(name: N, params: Params<N>): MaybePromise<unknown>;
  /** A pass has ended. */
  passed(pass: RetentionPass): void;
  /** A pass has failed and will not be retried before the next interval. */
  failed(error: unknown): void;
}

/** Refuses a build that has no retention, before a store is opened with it. */
export function checkRetention(binding: Binding): void {
  const answer = parseAnswer<unknown>(binding.startJob("retention", "{}"));
  // Where there is such a job, its parameters are missing.
  if ("error" in answer && answer.error.code === "UNSUPPORTED_OPERATION") resultOf(answer);
}

/**
 * Starts retention. `live` returns the handle, or `undefined` when it was garbage-collected, which
 * ends retention. Returns a function that stops it.
 */
export function startRetention(
  binding: Binding,
  plan: RetentionParams,
  live: () => RetentionHost | undefined,
): () => void {
  let beganAt = 0;
  let thrown: unknown;
  const archiving = exportTo(
    () => {
      const archive = live()?.archive;
      // The archive goes with its handle. A session that is not archived is not purged.
      if (archive === undefined) throw closed();
      return archive;
    },
    (at) => {
      const host = live();
      if (host === undefined) throw closed();
      return host.openArchive(at);
    },
  );
  const job = Job.start(binding, "retention", plan, {
    sleep(ms, wake) {
      const pass = (): void => {
        const host = live();
        if (host === undefined || host.isClosed) {
          job.stop();
          return;
        }
        beganAt = Date.now();
        thrown = undefined;
        wake({ value: null });
      };
      return startTimer(ms, pass, "background");
    },
    run: (_, name, params) => live()?.run(name, params),
    export: archiving.export,
    verify: archiving.verify,
    failed(error) {
      thrown = error;
    },
    progress(progress) {
      const { isFinalFailure, ...pass } = progress as RetentionProgress;
      const host = live();
      host?.passed({ ...pass, at: new Date(beganAt).toISOString() });
      if (isFinalFailure) host?.failed(pass.error === null ? notRemoved(pass.failed) : thrown);
    },
    ended: () => {},
  });
  return () => {
    job.stop();
    archiving.stop();
  };
}

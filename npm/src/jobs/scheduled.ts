/**
 * The job that a handle runs at a schedule: it moves old sessions to the trash, archives and removes them. A thread of the native addon
 * runs it, and the core decides when, and which.
 *
 * @module
 */

import type { JobNews } from "../builds/binding.js";
import type { Connection } from "../connection/connection.js";
import type { JobAlert, JobReport, JobRetry, PurgeProgress } from "../generated.js";
import { invalidArgument, jobAlert, listenerFailed } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import { onRejected } from "../values/thenable.js";
import { ArchiveAt, type ArchiveLocation } from "./archive.js";

/** A job that runs at a schedule. `maxAge`, `purgeAfter` or both say which sessions it removes. */
export interface JobOptions {
  /** The name of the job, which all processes share that run it; `"archive"` by default. */
  readonly job?: string | undefined;
  /**
   * When it runs: a time of day in UTC, `"03:00"` by default, or a cron expression of five fields, in UTC, such as
   * `"0 3 * * sun"`.
   */
  readonly at?: string | undefined;
  /** The age at which sessions move to the trash, unless they are active or paused: `"30d"`, or milliseconds. */
  readonly maxAge?: string | number | undefined;
  /** The time after which sessions in the trash are removed; `maxAge` by default. */
  readonly purgeAfter?: string | number | undefined;
  /** The time for which entries of the audit log are kept; `"365d"` by default. */
  readonly keepAudit?: string | number | undefined;
  /** Archives each session before it is removed: the URL of an archive, or with options. */
  readonly archive?: string | URL | ArchiveLocation | undefined;
  /** The time for which archived sessions are kept; `"365d"` by default. */
  readonly keepArchive?: string | number | undefined;
  /** The sessions of a batch: 1 to 1,000, which is the default. */
  readonly batch?: number | undefined;
  /** The share of the time in which the job may work, in percent; 100 by default. */
  readonly cpuPercent?: number | undefined;
  /** The duration of a run from which there is an alert; `"6h"` by default. */
  readonly slowAfter?: string | number | undefined;
  /** The share of sessions that could not be processed above which there is an alert, in percent; 5 by default. */
  readonly alertErrors?: number | undefined;
  /** Called when a run has failed for good, is slow, or could not process many sessions. By default an alert is an `"error"` event. */
  readonly onAlert?: ((alert: JobAlert) => unknown) | undefined;
  /** Called with the report of each run. */
  readonly onRun?: ((report: JobReport) => unknown) | undefined;
  /** Called when sessions could not be processed, and are tried again. */
  readonly onRetry?: ((retry: JobRetry) => unknown) | undefined;
  /** Called while a run purges, a few times a second at most. */
  readonly onProgress?: ((progress: PurgeProgress) => unknown) | undefined;
}

/** The options. The core checks the values of its own. */
const JOB_OPTIONS = {
  job: "any",
  at: "any",
  maxAge: "any",
  purgeAfter: "any",
  keepAudit: "any",
  archive: "any",
  keepArchive: "any",
  batch: "any",
  cpuPercent: "any",
  slowAfter: "any",
  alertErrors: "any",
  onAlert: "function",
  onRun: "function",
  onRetry: "function",
  onProgress: "function",
} as const;

/** The name of a job, by default. */
const JOB = "archive";

/** Starts a job over a native store. `take` gets its news. */
export function startScheduled(
  connection: Connection,
  options: JobOptions,
  take: (news: JobNews) => void,
): void {
  checkOptions(options, JOB_OPTIONS, "jobs");
  const {
    archive,
    onAlert: _alert,
    onRun: _run,
    onRetry: _retry,
    onProgress: _progress,
    job = JOB,
    ...plan
  } = options;
  connection.schedule({ ...plan, job }, archiveAt(archive), take);
}

function archiveAt(archive: unknown): ArchiveAt | undefined {
  if (archive === undefined) return undefined;
  if (typeof archive === "function") {
    throw invalidArgument(
      "archive",
      "expected the URL of an archive: `retention` takes a function",
    );
  }
  return new ArchiveAt(archive, "archive");
}

/** Passes the news of a job to the functions of the caller. `failed` takes errors that no call waits for. */
export function notify(
  { onAlert, onRun, onRetry, onProgress }: JobOptions,
  news: JobNews,
  failed: (thrown: unknown) => void,
): void {
  const call = (name: string, run: () => unknown): void => {
    const report = (thrown: unknown): void => failed(listenerFailed(name, thrown));
    try {
      onRejected(run(), report);
    } catch (thrown) {
      report(thrown);
    }
  };
  if ("progress" in news) call("onProgress", () => onProgress?.(news.progress));
  else if ("retry" in news) call("onRetry", () => onRetry?.(news.retry));
  else if ("report" in news) call("onRun", () => onRun?.(news.report));
  else if (onAlert === undefined) failed(jobAlert(news.alert));
  else call("onAlert", () => onAlert(news.alert));
}

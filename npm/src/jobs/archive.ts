/**
 * The job that archives sessions before they are purged: asks the core for a page of purgeable
 * sessions, passes each to the archive as text, and lets the core purge the archived ones. The core
 * decides which sessions are purgeable, and checks it again when it purges them.
 *
 * @module
 */

import type { Ask } from "../connection/call.js";
import type { CleanupResult, PurgeParams, Refusal } from "../generated.js";
import type { MaybePromise } from "../stores/store.js";
import type { ErrorCode } from "../values/error.js";
import { isTenureError, messageOf } from "../values/error.js";
import type { Accepts } from "../values/params.js";

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

/** The result of a purge. */
export interface PurgeResult extends Omit<CleanupResult, "failed"> {
  /** The first 1,000 sessions that were not purged, with the reason. */
  readonly failed: readonly NotPurged[];
}

/** A session that was not purged. */
export interface NotPurged extends Omit<Refusal, "code"> {
  /** The code of the error; `ARCHIVE_FAILED` if it has none. */
  readonly code: ErrorCode;
}

/** The number of sessions that are archived before they are purged. */
const PAGE_SIZE = 100;
/** The maximum number of sessions in a result. */
const MAX_LISTED = 1000;

/** Archives and purges the sessions in the trash. */
export async function purgeArchived(
  ask: Ask<"async">,
  params: Accepts<PurgeParams>,
  archive: Archive,
): Promise<PurgeResult> {
  const { olderThan } = params;
  const ids: string[] = [];
  const failed: NotPurged[] = [];
  let removed = 0;
  const requested = params.ids === undefined || params.ids === null ? undefined : [...params.ids];
  let remaining = params.limit ?? Number.POSITIVE_INFINITY;
  let cursor = params.cursor;
  do {
    const page = requested?.splice(0, PAGE_SIZE);
    const limit = Math.min(PAGE_SIZE, remaining);
    const which = page === undefined ? { cursor, limit } : { ids: page };
    const plan = await ask("purge", () => ({ olderThan, ...which, dryRun: true }));
    const archived: string[] = [];
    failed.push(...plan.failed);
    for (const id of plan.ids) {
      const failure = await tryArchive(ask, archive, id);
      if (failure === undefined) archived.push(id);
      else failed.push(failure);
    }
    const purged = await ask("purge", () => ({ olderThan, ids: archived }));
    removed += purged.removed;
    ids.push(...purged.ids);
    failed.push(...purged.failed);
    ids.splice(MAX_LISTED);
    failed.splice(MAX_LISTED);
    remaining -= plan.ids.length;
    cursor = plan.nextCursor;
  } while (requested === undefined ? cursor !== undefined && remaining > 0 : requested.length > 0);
  const next = cursor === undefined ? {} : { nextCursor: cursor };
  return { removed, ids, failed, dryRun: false, ...next };
}

/** Archives a session. Returns the failure, if there was one. */
async function tryArchive(
  ask: Ask<"async">,
  archive: Archive,
  id: string,
): Promise<NotPurged | undefined> {
  try {
    await archive(await ask("export", () => ({ id })), id);
    return undefined;
  } catch (thrown) {
    const code = isTenureError(thrown) ? thrown.code : "ARCHIVE_FAILED";
    return { id, code, message: messageOf(thrown) };
  }
}

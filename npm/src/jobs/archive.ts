/**
 * Keeps sessions elsewhere before they are removed for good: asks the core which may go, a page at a
 * time, hands each out as text, and has the core remove those that were taken. Which may go is decided
 * in the core, and again when they are removed.
 *
 * @module
 */

import type { Ask } from "../connection/call.js";
import type { CleanupResult, PurgeParams, Refusal } from "../generated.js";
import type { MaybePromise } from "../stores/store.js";
import type { ErrorCode } from "../values/error.js";
import { isTenureError, messageOf } from "../values/error.js";
import type { Accepts } from "../values/params.js";

/** Keeps a session, given as `export` returns it. It stays in the trash if this throws. */
export type Archive = (session: string, id: string) => MaybePromise<void>;

/** What is done before sessions are removed for good. */
export interface PurgeOptions {
  /** Keeps each session elsewhere. */
  readonly archive?: Archive | undefined;
}

/** What emptying the trash has come to. */
export interface PurgeResult extends Omit<CleanupResult, "failed"> {
  /** Sessions that are still there, the first 1,000 of them, and why. */
  readonly failed: readonly NotPurged[];
}

/** A session that is still there. */
export interface NotPurged extends Omit<Refusal, "code"> {
  /** The code of what was thrown; `ARCHIVE_FAILED` if it has none. */
  readonly code: ErrorCode;
}

/** How many sessions are handed out before they are removed. */
const PAGE = 100;
/** How many sessions a result names. */
const NAMED = 1000;

/** Empties the trash of what was archived. */
export async function purgeArchived(
  ask: Ask<"async">,
  params: Accepts<PurgeParams>,
  archive: Archive,
): Promise<PurgeResult> {
  const { olderThan } = params;
  const ids: string[] = [];
  const failed: NotPurged[] = [];
  let removed = 0;
  const named = params.ids === undefined || params.ids === null ? undefined : [...params.ids];
  let left = params.limit ?? Number.POSITIVE_INFINITY;
  let cursor = params.cursor;
  do {
    const page = named?.splice(0, PAGE);
    const limit = Math.min(PAGE, left);
    const which = page === undefined ? { cursor, limit } : { ids: page };
    const plan = await ask("purge", () => ({ olderThan, ...which, dryRun: true }));
    const kept: string[] = [];
    failed.push(...plan.failed);
    for (const id of plan.ids) {
      const problem = await tryToKeep(ask, archive, id);
      if (problem === undefined) kept.push(id);
      else failed.push(problem);
    }
    const gone = await ask("purge", () => ({ olderThan, ids: kept }));
    removed += gone.removed;
    ids.push(...gone.ids);
    failed.push(...gone.failed);
    ids.splice(NAMED);
    failed.splice(NAMED);
    left -= plan.ids.length;
    cursor = plan.nextCursor;
  } while (named === undefined ? cursor !== undefined && left > 0 : named.length > 0);
  const next = cursor === undefined ? {} : { nextCursor: cursor };
  return { removed, ids, failed, dryRun: false, ...next };
}

/** Hands a session out: why it was not taken, if it was not. */
async function tryToKeep(
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

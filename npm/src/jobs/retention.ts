/**
 * A pass of retention: moves sessions of an age to the trash, purges the trash, and removes expired
 * records. The core decides which these are. The timer is in `periodic-task.ts`.
 *
 * @module
 */

import type { RetentionPlan } from "../builds/binding.js";
import type { Params } from "../connection/call.js";
import type { CleanupResult, RecordsCleaned, Refusal } from "../generated.js";
import type { ErrorCode } from "../values/error.js";

/** Which sessions retention removes, and how often. */
export interface RetentionOptions {
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
export interface RetentionPass {
  /** When it began, in RFC 3339. */
  readonly at: string;
  /** Its duration, in milliseconds. */
  readonly durationMs: number;
  /** The number of calls that looked for sessions. */
  readonly batches: number;
  /** The number of sessions that were moved to the trash or purged. */
  readonly removed: number;
  /** Sessions that could not be removed, with the reason; at most 1,000. */
  readonly failed: readonly Refusal[];
  /** The code of the error that ended the pass early; `null` if it completed. */
  readonly error: ErrorCode | null;
}

/** The number of sessions that one call purges, and of failures that a pass lists. */
const BATCH = 1000;

/** A call of a pass. */
type Call =
  | { readonly name: "cleanup"; readonly params: Params<"cleanup"> }
  | { readonly name: "purge"; readonly params: Params<"purge"> }
  | { readonly name: "cleanupRecords"; readonly params: Params<"cleanupRecords"> };

/** A retention pass over a store: the calls that it makes, and their combined result. */
export class Pass {
  readonly #plan: RetentionPlan;
  readonly #at = new Date();
  readonly #began = performance.now();
  readonly #failed: Refusal[] = [];
  #batches = 0;
  #removed = 0;

  /** Begins a pass. */
  constructor(plan: RetentionPlan) {
    this.#plan = plan;
  }

  /** The calls in order; each `yield` returns the result of its call. */
  *calls(): Generator<Call, void, CleanupResult | RecordsCleaned> {
    const { maxAge, purgeAfter, keepAudit } = this.#plan;
    this.#count(yield { name: "cleanup", params: { maxAge } });
    let cursor: string | undefined;
    do {
      const params = { olderThan: purgeAfter, limit: BATCH, cursor };
      cursor = this.#count(yield { name: "purge", params });
    } while (cursor !== undefined);
    yield { name: "cleanupRecords", params: { keepAudit } };
  }

  /** Ends the pass and returns its result. */
  end(error: ErrorCode | null): RetentionPass {
    return {
      at: this.#at.toISOString(),
      durationMs: performance.now() - this.#began,
      batches: this.#batches,
      removed: this.#removed,
      failed: this.#failed,
      error,
    };
  }

  #count(result: CleanupResult | RecordsCleaned): string | undefined {
    this.#batches += 1;
    if (!("removed" in result)) return undefined;
    const { removed, failed, nextCursor } = result;
    this.#removed += removed;
    this.#failed.push(...failed.slice(0, BATCH - this.#failed.length));
    return nextCursor;
  }
}

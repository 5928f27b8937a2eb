/**
 * Removes old sessions by itself, from time to time: puts those that have reached an age into the
 * trash, and removes for good what has been there for some time, and what has run out beside them.
 * Which these are is decided in the core; here is only the clock, which never keeps a process alive. What fails is tried
 * again after one, five and fifteen minutes.
 *
 * @module
 */

import type { RetentionPlan } from "../builds/binding.js";
import type { Params } from "../connection/call.js";
import type { CleanupResult, RecordsCleaned, Refusal } from "../generated.js";
import { MAX_DELAY_MS, unref } from "../runtime/timers.js";
import type { MaybePromise } from "../stores/store.js";
import type { ErrorCode } from "../values/error.js";

/** Which sessions go by themselves, and when to look for them. */
export interface RetentionOptions {
  /** Sessions of this age go into the trash, unless they are active or paused: `"30d"`. */
  readonly maxAge: string | number;
  /** How long to wait between two looks: `"24h"`, or milliseconds. The first comes within a minute. */
  readonly every: string | number;
  /** What has been in the trash this long is removed for good; `maxAge` by default. */
  readonly purgeAfter?: string | number | undefined;
  /** How long entries of the audit log are kept; `"365d"` by default. */
  readonly keepAudit?: string | number | undefined;
}

/** The first look comes no later than this, so that processes that are restarted often clean too. */
const FIRST_LOOK = 60_000;
/** When to look again after a look that has failed, and after each that follows. */
const RETRIES = [60_000, 5 * 60_000, 15 * 60_000];
/** How many sessions are removed for good in one call. */
const BATCH = 1000;
/** How old sessions were last removed by themselves. */
export interface RetentionPass {
  /** When it began, in RFC 3339. */
  readonly at: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** In how many calls it looked for sessions. */
  readonly batches: number;
  /** How many sessions it put into the trash, or removed for good. */
  readonly removed: number;
  /** Sessions that could not be removed, the first 1,000 of them, and why. */
  readonly failed: readonly Refusal[];
  /** The code of the error that has ended it early, if one has. */
  readonly error: ErrorCode | null;
}

/** One call of a pass, and what it answers. */
type Call =
  | { readonly name: "cleanup"; readonly params: Params<"cleanup"> }
  | { readonly name: "purge"; readonly params: Params<"purge"> }
  | { readonly name: "cleanupRecords"; readonly params: Params<"cleanupRecords"> };

/** One pass over the sessions of a store: which calls it makes, and what comes of it. */
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

  /** The calls, one after the other; each is told what the one before has answered. */
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

  /** What came of it. */
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

  #count(answer: CleanupResult | RecordsCleaned): string | undefined {
    this.#batches += 1;
    if (!("removed" in answer)) return undefined;
    const { removed, failed, nextCursor } = answer;
    this.#removed += removed;
    this.#failed.push(...failed.slice(0, BATCH - this.#failed.length));
    return nextCursor;
  }
}

/** What the clock calls. */
export interface Looker {
  /** Looks for old sessions: what has gone wrong, if anything has. `"stop"` stops the clock. */
  look(): MaybePromise<unknown> | "stop";
  /** Told of what goes wrong again and again. */
  giveUp(problem: unknown): void;
}

/**
 * A clock that looks again and again until it is stopped. A look that has failed is repeated a few
 * times before it is given up until the next one is due.
 */
export class Retention {
  readonly #every: number;
  readonly #looker: Looker;
  #failures = 0;
  #isStopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts the clock. */
  constructor(every: number, looker: Looker) {
    this.#every = every;
    this.#looker = looker;
    this.#wait(Math.min(this.#every, FIRST_LOOK));
  }

  /** Stops the clock. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #wait(delay: number): void {
    const part = Math.min(delay, MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      if (delay > part) this.#wait(delay - part);
      else this.#look();
    }, part);
    unref(this.#timer);
  }

  #look(): void {
    const outcome = this.#looker.look();
    if (outcome === "stop") return;
    if (outcome instanceof Promise) void outcome.then((problem) => this.#looked(problem));
    else this.#looked(outcome);
  }

  #looked(problem: unknown): void {
    if (this.#isStopped) return;
    const again = problem === undefined ? undefined : RETRIES[this.#failures];
    if (again !== undefined) {
      this.#failures += 1;
      this.#wait(Math.min(again, this.#every));
      return;
    }
    this.#failures = 0;
    if (problem !== undefined) this.#looker.giveUp(problem);
    this.#wait(this.#every);
  }
}

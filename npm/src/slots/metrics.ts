/**
 * Counts what happens in the slots of one handle: how starting sessions came out, how long it took,
 * and what locking had to do with it. It is told; it decides nothing.
 *
 * @module
 */

import type { ReplaceReason, SlotAnswer, SlotLocking, SlotOutcome } from "../generated.js";
import type { RetentionPass } from "../jobs/retention.js";
import type { SlotAttempts } from "../jobs/slot-retry.js";
import { type Histogram, Stopwatches } from "./histogram.js";

/** What has happened in the slots of a handle since it was opened, or since it counts anew. */
export interface SlotMetrics {
  /** How often each came of starting a session, and how often it failed with an error. */
  readonly outcomes: Readonly<Record<SlotOutcome | "failed", number>>;
  /** How often a session was replaced, by the reason. */
  readonly replacements: Readonly<Record<ReplaceReason, number>>;
  /** How often others came in between, and it was decided anew. */
  readonly conflicts: number;
  /** What pessimistic locking had to do. */
  readonly locks: {
    /** How often a slot was locked. */
    readonly acquired: number;
    /** How long it took to come to that, from the call on, in milliseconds. */
    readonly waited: Histogram;
    /** How often somebody else had the lock. */
    readonly contended: number;
    /** How often that was so until nobody tried any more. */
    readonly timedOut: number;
  };
  /** How often a call tried again. */
  readonly retries: number;
  /** How long calls took that replaced a session, from the call to its answer, in milliseconds. */
  readonly replacementTime: Readonly<Record<SlotLocking, Histogram>>;
  /** How long it took to look who is in slots, in milliseconds, by what the handle's locking was. */
  readonly lookupTime: Readonly<Record<SlotLocking, Histogram>>;
  /** The last time that old sessions were removed by themselves, if that has happened. */
  readonly retention: RetentionPass | null;
}

/** Counts for one handle. */
export class SlotMeter {
  readonly #outcomes: Record<SlotOutcome | "failed", number> = {
    created: 0,
    existing: 0,
    needs_confirmation: 0,
    replaced: 0,
    busy: 0,
    rejected: 0,
    failed: 0,
  };
  readonly #replacements: Record<ReplaceReason, number> = {
    model_change: 0,
    rerun: 0,
    failed: 0,
    timeout: 0,
    abandoned: 0,
  };
  readonly #waited = new Stopwatches();
  readonly #replacementTime = { optimistic: new Stopwatches(), pessimistic: new Stopwatches() };
  readonly #lookupTime = { optimistic: new Stopwatches(), pessimistic: new Stopwatches() };
  #conflicts = 0;
  #acquired = 0;
  #contended = 0;
  #timedOut = 0;
  #retries = 0;

  /** Watches a call that starts a session. */
  watch(locking: SlotLocking): SlotAttempts {
    const began = performance.now();
    let tries = 0;
    let tried = began;
    const meetsAnother = (): void => {
      this.#contended += 1;
    };
    return {
      meetsAnother,
      tries: () => {
        tried = performance.now();
        tries += 1;
        if (tries > 1) this.#retries += 1;
      },
      ends: (answer) => {
        if (answer.code === "SLOT_LOCKED") {
          meetsAnother();
          this.#timedOut += 1;
        } else if (locking === "pessimistic") {
          this.#acquired += 1;
          this.#waited.add(tried - began);
        }
        if (answer.outcome === "replaced") {
          this.#replacementTime[locking].add(performance.now() - began);
        }
        this.count(answer);
        return answer;
      },
      fails: (thrown) => {
        this.#outcomes.failed += 1;
        return thrown;
      },
    };
  }

  /** Counts what came of starting a session. */
  count(answer: SlotAnswer): void {
    this.#outcomes[answer.outcome] += 1;
    if (answer.outcome === "failed") return;
    this.#conflicts += answer.conflicts;
    if (answer.reason !== undefined) this.#replacements[answer.reason] += 1;
  }

  /** Counts a look into slots that took so long. */
  lookedUp(locking: SlotLocking, took: number): void {
    this.#lookupTime[locking].add(took);
  }

  /** What was counted so far. */
  read(retention: RetentionPass | null): SlotMetrics {
    return {
      outcomes: { ...this.#outcomes },
      replacements: { ...this.#replacements },
      conflicts: this.#conflicts,
      locks: {
        acquired: this.#acquired,
        waited: this.#waited.read(),
        contended: this.#contended,
        timedOut: this.#timedOut,
      },
      retries: this.#retries,
      replacementTime: readBoth(this.#replacementTime),
      lookupTime: readBoth(this.#lookupTime),
      retention,
    };
  }
}

function readBoth(
  counted: Readonly<Record<SlotLocking, Stopwatches>>,
): Record<SlotLocking, Histogram> {
  return { optimistic: counted.optimistic.read(), pessimistic: counted.pessimistic.read() };
}

/**
 * The metrics of the slots of one handle: outcomes, durations, and lock contention.
 *
 * @module
 */

import type { ReplaceReason, SlotLocking, SlotOutcome } from "../generated.js";
import type { RetentionPass } from "../jobs/retention.js";
import type { SlotAnswer, SlotStart } from "../values/outcomes.js";
import type { SessionTypes } from "../values/session-types.js";
import { DurationHistogram, type Histogram } from "./histogram.js";

/** The metrics of the slots of a handle, since it was opened or since the last reset. */
export interface SlotMetrics {
  /** The number of each outcome of starting a session, and of errors. */
  readonly outcomes: Readonly<Record<SlotOutcome | "failed", number>>;
  /** The number of replaced sessions, by reason. */
  readonly replacements: Readonly<Record<ReplaceReason, number>>;
  /** The number of write conflicts after which the decision was retried. */
  readonly conflicts: number;
  /** The metrics of pessimistic locking. */
  readonly locks: {
    /** The number of locks that were acquired. */
    readonly acquired: number;
    /**
     * The time from the call to the end of the attempt that acquired the lock, in milliseconds: the
     * waiting, the acquisition and the work under the lock.
     */
    readonly waited: Histogram;
    /** The number of attempts that found the slot locked. */
    readonly contended: number;
    /** The number of calls that found the slot locked at every attempt. */
    readonly timedOut: number;
  };
  /** The number of retries. */
  readonly retries: number;
  /** The duration of calls that replaced a session, in milliseconds. */
  readonly replacementTime: Readonly<Record<SlotLocking, Histogram>>;
  /** The duration of looking up slots, in milliseconds, by the handle's locking. */
  readonly lookupTime: Readonly<Record<SlotLocking, Histogram>>;
  /** The last retention pass; `null` if there was none. */
  readonly retention: RetentionPass | null;
}

/** Observes the attempts of one call that starts a session. */
export interface SlotAttempts<T extends SessionTypes> {
  /** An attempt begins: the first one or a retry. */
  began(): void;
  /** An attempt has this result, which is returned. */
  attempted(result: SlotStart<T>): SlotStart<T>;
  /** The call ends with this result, which is returned. */
  succeeded(result: SlotStart<T>): SlotStart<T>;
  /** The call ends with this error, which is returned to be thrown. */
  failed(thrown: unknown): unknown;
}

/** The end of waiting for the lock of a slot. */
export interface SlotWaited {
  /** The time from the call to its end, in microseconds. */
  readonly waitedUs: number;
  /** The number of attempts. */
  readonly attempts: number;
  /** Whether the last attempt found the slot locked, too. */
  readonly timedOut: boolean;
  /** Whether the call locked the slot. */
  readonly locked: boolean;
}

/** Collects the metrics of one handle. */
export class SlotMeter {
  readonly #report: (waited: SlotWaited) => void;
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
    user_request: 0,
    rerun: 0,
    failed: 0,
    timeout: 0,
    abandoned: 0,
  };
  readonly #waited = new DurationHistogram();
  readonly #replacementTime = {
    optimistic: new DurationHistogram(),
    pessimistic: new DurationHistogram(),
  };
  readonly #lookupTime = {
    optimistic: new DurationHistogram(),
    pessimistic: new DurationHistogram(),
  };
  #conflicts = 0;
  #acquired = 0;
  #contended = 0;
  #timedOut = 0;
  #retries = 0;

  /** Metrics of a handle, which also reports each wait. */
  constructor(report: (waited: SlotWaited) => void) {
    this.#report = report;
  }

  /** Observes a call that starts a session. */
  observe<T extends SessionTypes>(locking: SlotLocking): SlotAttempts<T> {
    const callBegan = performance.now();
    let attempts = 0;
    return {
      began: () => {
        attempts += 1;
        if (attempts > 1) this.#retries += 1;
      },
      attempted: (result) => {
        if (result.code === "SLOT_LOCKED") this.#contended += 1;
        return result;
      },
      succeeded: (result) => {
        const timedOut = result.code === "SLOT_LOCKED";
        this.#report({
          waitedUs: Math.round((performance.now() - callBegan) * 1000),
          attempts,
          timedOut,
          locked: !timedOut && locking === "pessimistic",
        });
        if (result.code === "SLOT_LOCKED") {
          this.#timedOut += 1;
        } else if (locking === "pessimistic") {
          this.#acquired += 1;
          this.#waited.add(performance.now() - callBegan);
        }
        if (result.outcome === "replaced") {
          this.#replacementTime[locking].add(performance.now() - callBegan);
        }
        this.count(result);
        return result;
      },
      failed: (thrown) => {
        this.#outcomes.failed += 1;
        return thrown;
      },
    };
  }

  /** Counts the outcome of starting a session. */
  count(result: SlotAnswer): void {
    this.#outcomes[result.outcome] += 1;
    if (result.outcome === "failed") return;
    this.#conflicts += result.conflicts;
    if (result.reason !== undefined) this.#replacements[result.reason] += 1;
  }

  /** Adds the duration of looking up slots, in milliseconds. */
  lookedUp(locking: SlotLocking, durationMs: number): void {
    this.#lookupTime[locking].add(durationMs);
  }

  /** Returns the current metrics. */
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
  counted: Readonly<Record<SlotLocking, DurationHistogram>>,
): Record<SlotLocking, Histogram> {
  return { optimistic: counted.optimistic.read(), pessimistic: counted.pessimistic.read() };
}

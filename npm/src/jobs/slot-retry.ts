/**
 * Retries to start a session in a slot while another call holds the slot's lock. The core decides
 * whether the slot is locked; this file only waits.
 *
 * @module
 */

import type { SlotStart } from "../generated.js";
import { aborted, isTenureError } from "../values/error.js";

/** How often to retry. */
export interface RetryPolicy {
  /** The number of retries. */
  readonly retries: number;
  /** Aborts the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** Observes the attempts of one call that starts a session. */
export interface SlotAttempts {
  /** An attempt begins: the first one or a retry. */
  began(): void;
  /** Another call holds the lock of the slot. */
  contended(): void;
  /** The call ends with this result, which is returned. */
  succeeded(result: SlotStart): SlotStart;
  /** The call ends with this error, which is returned to be thrown. */
  failed(thrown: unknown): unknown;
}

/** The longest first delay, in milliseconds. Each further one is `GROWTH` times as long. */
const FIRST_DELAY_MS = 50;
const GROWTH = 4;
/** No delay is longer: the lease of a slot that is not released expires before that. */
const MAX_RETRY_DELAY_MS = 5000;

/** Makes attempts until one finds the slot unlocked, or the policy ends. */
export async function startWithRetries(
  attempt: () => Promise<SlotStart>,
  policy: RetryPolicy,
  attempts: SlotAttempts,
): Promise<SlotStart> {
  try {
    return attempts.succeeded(await lastAttempt(attempt, policy, attempts));
  } catch (thrown) {
    throw attempts.failed(thrown);
  }
}

async function lastAttempt(
  attempt: () => Promise<SlotStart>,
  { retries, signal }: RetryPolicy,
  attempts: SlotAttempts,
): Promise<SlotStart> {
  for (let failures = 0; ; failures += 1) {
    if (signal?.aborted) throw aborted(signal.reason);
    attempts.began();
    try {
      const result = await attempt();
      // Any other outcome is final. Whether to replace an occupant that has changed is the caller's
      // decision.
      if (result.code !== "SLOT_LOCKED" || failures === retries) return result;
      attempts.contended();
    } catch (thrown) {
      if (!isTenureError(thrown, "STORE_BUSY") || failures === retries) throw thrown;
    }
    await wait(delayAfter(failures), signal);
  }
}

/** The delay before the next attempt. Half of it is random, so that concurrent calls diverge. */
function delayAfter(failures: number): number {
  const longest = Math.min(FIRST_DELAY_MS * GROWTH ** failures, MAX_RETRY_DELAY_MS);
  return longest * (1 - Math.random() / 2);
}

function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    // A caller waits for this, so the timer keeps the process alive.
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delayMs);
    const stop = (): void => {
      clearTimeout(timer);
      reject(aborted(signal?.reason));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

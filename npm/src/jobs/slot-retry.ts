/**
 * Tries again to start a session in a slot while somebody else has the slot. Whether somebody has it
 * is decided in the core; here is only the clock.
 *
 * @module
 */

import type { SlotStart } from "../generated.js";
import { aborted, isTenureError } from "../values/error.js";

/** How long to go on trying. */
export interface RetryPolicy {
  /** How often to try again. */
  readonly retries: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** One call that starts a session, as it is watched. */
export interface SlotAttempts {
  /** It tries, for the first time or again. */
  tries(): void;
  /** Somebody else has the slot. */
  meetsAnother(): void;
  /** It ends with this answer, which is returned. */
  ends(answer: SlotStart): SlotStart;
  /** It ends with this error, which is returned to be thrown. */
  fails(thrown: unknown): unknown;
}

/** The longest first wait, in milliseconds. Each that follows is this many times as long. */
const FIRST_WAIT = 50;
const GROWTH = 4;
/** No wait is longer: a lease of a slot that nobody gives back runs out sooner. */
const LONGEST_WAIT = 5000;

/** Makes attempts until one is answered with more than that somebody else is there, or policy ends. */
export async function startWithRetries(
  attempt: () => Promise<SlotStart>,
  policy: RetryPolicy,
  watch: SlotAttempts,
): Promise<SlotStart> {
  try {
    return watch.ends(await lastOf(attempt, policy, watch));
  } catch (thrown) {
    throw watch.fails(thrown);
  }
}

async function lastOf(
  attempt: () => Promise<SlotStart>,
  { retries, signal }: RetryPolicy,
  watch: SlotAttempts,
): Promise<SlotStart> {
  for (let tried = 0; ; tried += 1) {
    if (signal?.aborted) throw aborted(signal.reason);
    watch.tries();
    try {
      const answer = await attempt();
      // Of a session that is not as it was seen, only whoever agreed to replace it can look again.
      if (answer.code !== "SLOT_LOCKED" || tried === retries) return answer;
      watch.meetsAnother();
    } catch (thrown) {
      if (!isTenureError(thrown, "STORE_BUSY") || tried === retries) throw thrown;
    }
    await wait(delayAfter(tried), signal);
  }
}

/** How long to wait: half of it by chance, so that those who met do not meet again. */
function delayAfter(tried: number): number {
  const longest = Math.min(FIRST_WAIT * GROWTH ** tried, LONGEST_WAIT);
  return longest * (1 - Math.random() / 2);
}

function wait(delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    // Somebody waits for this: it keeps the process.
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delay);
    const stop = (): void => {
      clearTimeout(timer);
      reject(aborted(signal?.reason));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

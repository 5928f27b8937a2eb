/**
 * Tries again to start a session in a slot while somebody else has the slot. Whether somebody has it
 * is decided in the core; here is only the clock.
 *
 * @module
 */

import { aborted, isTenureError } from "./error.js";
import type { SlotStart } from "./generated.js";
import type { SlotWatch } from "./slot-metrics.js";
import type { Patience } from "./slot-options.js";

/** The longest first wait, in milliseconds. Each that follows is this many times as long. */
const FIRST_WAIT = 50;
const GROWTH = 4;
/** No wait is longer: a lease of a slot that nobody gives back runs out sooner. */
const LONGEST_WAIT = 5000;

/** Makes attempts until one is answered with more than that somebody else is there, or patience ends. */
export async function startPatiently(
  attempt: () => Promise<SlotStart>,
  patience: Patience,
  watch: SlotWatch,
): Promise<SlotStart> {
  try {
    return watch.ends(await lastOf(attempt, patience, watch));
  } catch (thrown) {
    throw watch.fails(thrown);
  }
}

async function lastOf(
  attempt: () => Promise<SlotStart>,
  { retries, signal }: Patience,
  watch: SlotWatch,
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

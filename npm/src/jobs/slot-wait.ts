/**
 * The job that starts a session in a slot and waits while another call holds the slot's lock, as
 * callers start it. The core decides when to retry.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import { startTimer } from "../runtime/timers.js";
import { aborted, internalError, TenureError } from "../values/error.js";
import type { SlotStart } from "../values/outcomes.js";
import type { SessionTypes } from "../values/session-types.js";
import { type JobHost, runJob } from "./job.js";

/** How often to retry. */
export interface RetryPolicy {
  /** The number of retries. */
  readonly retries: number;
  /** Aborts the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** Makes attempts until one has a final outcome, or the policy ends. */
export async function startWithRetries<T extends SessionTypes>(
  binding: Binding,
  attempt: () => Promise<SlotStart<T>>,
  { retries, signal }: RetryPolicy,
): Promise<SlotStart<T>> {
  let last: SlotStart<T> | undefined;
  const performed = {
    async attempt(): Promise<string> {
      if (signal?.aborted) throw aborted(signal.reason);
      last = await attempt();
      return last.code;
    },
    sleep: sleepUntil(signal),
  };
  await runJob(binding, "slotWait", { retries }, performed);
  if (last === undefined) throw new TenureError(internalError("a start was not attempted"));
  return last;
}

/** Sleeps until a signal is aborted. A caller waits for this, so the timer keeps the process alive. */
function sleepUntil(signal: AbortSignal | undefined): NonNullable<JobHost["sleep"]> {
  return (ms, wake) => {
    if (signal?.aborted) {
      wake({ thrown: aborted(signal.reason) });
      return () => {};
    }
    const stop = startTimer(
      ms,
      () => {
        signal?.removeEventListener("abort", abort);
        wake({ value: null });
      },
      "foreground",
    );
    const abort = (): void => {
      stop();
      wake({ thrown: aborted(signal?.reason) });
    };
    signal?.addEventListener("abort", abort, { once: true });
    return stop;
  };
}

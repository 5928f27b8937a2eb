/**
 * Records the metrics of a handle in its store, at the intervals that the core says, and once more when the
 * handle is closed. What is recorded, and when records of others are added up, the core decides. The timer never
 * keeps a process alive.
 *
 * @module
 */

import type { Params } from "../connection/call.js";
import type { MetricsRecorded } from "../generated.js";
import { startTimer } from "../runtime/timers.js";

/** The time until the first record, and until the next one where one has failed, in milliseconds. */
const PAUSE_MS = 10_000;

/** The handle whose metrics are recorded. */
export interface RecordingHost {
  /** Whether the handle is closed. */
  readonly isClosed: boolean;
  /** What there is to record; `undefined` if nothing was counted since the last record. */
  toRecord(ended: boolean): Params<"metricsRecord"> | undefined;
  /** Records it. */
  record(params: Params<"metricsRecord">): Promise<MetricsRecorded>;
  /** Takes the reply. */
  recorded(reply: MetricsRecorded): void;
  /** Adds the records of handles that are gone to the total. */
  fold(): Promise<unknown>;
  /** A record, or adding up, has failed. The next record has what this one had. */
  failed(error: unknown): void;
}

/** A recording that runs. */
export interface Recording {
  /** Records for the last time. `host` is the handle, which is being closed. */
  end(host: RecordingHost): Promise<void>;
}

/**
 * Starts to record. `live` returns the handle, or `undefined` when it was garbage-collected, which ends the
 * recording.
 */
export function startRecording(live: () => RecordingHost | undefined): Recording {
  let running: Promise<void> = Promise.resolve();
  let isEnding = false;
  let stop = schedule(PAUSE_MS);

  function schedule(ms: number): () => void {
    return startTimer(ms, pass, "background");
  }

  function pass(): void {
    const host = live();
    if (host === undefined || host.isClosed) return;
    running = recordOnce(host, false).then((next) => {
      if (!isEnding && !host.isClosed) stop = schedule(next);
    });
  }

  return {
    async end(host) {
      isEnding = true;
      stop();
      await running;
      await recordOnce(host, true);
    },
  };
}

/** Records what there is. Returns the time until the next record, in milliseconds. */
async function recordOnce(host: RecordingHost, ended: boolean): Promise<number> {
  try {
    const params = host.toRecord(ended);
    if (params === undefined) return PAUSE_MS;
    const reply = await host.record(params);
    host.recorded(reply);
    // What this handle has recorded is there all the same.
    if (reply.folds) await host.fold().catch((thrown: unknown) => host.failed(thrown));
    // What was counted since is not recorded yet.
    if (reply.outcome === "folded") return await recordOnce(host, ended);
    return reply.nextMs;
  } catch (thrown) {
    host.failed(thrown);
    return PAUSE_MS;
  }
}

// Times things that do the same work against each other. Whatever else the machine is doing slows all
// of them down, so they take turns in short batches, in an order that shifts with every round, and
// what is compared is what they took within the same rounds.

import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects garbage, so that what one contender has left behind is not another's pause. */
export const collectGarbage = runInNewContext("gc");

/** Long enough that the clock's own cost vanishes, short enough to fit into a slice of time. */
const BATCH_MS = 2;
/** How long a contender runs before it is measured: until its code is compiled. */
const WARM_UP_MS = { quick: 25, full: 100 };
const SETTLE_MS = 4;
const MIN_ROUNDS = { quick: 3, full: 7 };

/** Milliseconds on the clock. */
const clock = () => performance.now();
/** Milliseconds that the processors have worked for this process, whatever else they have done. */
const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let now = clock;

let effort = "full";

/** Measures from now on with less care. */
export function measureQuickly() {
  effort = "quick";
}

/** Measures from now on how long processors work instead of how much time goes by. */
export function measureProcessorTime() {
  now = processor;
}

/**
 * Measures contenders in turns for about `seconds`.
 *
 * A contender has a `name` and a function `run(n)` that does its work `n` times and may return a
 * promise, of the milliseconds that it took if it measures itself; `before(n)` is called before that,
 * outside of the measurement. One that is `wasteful` is followed by a garbage collection, outside of
 * the measurement too. `batch` is how often it works in a row; by default as often as fits into two
 * milliseconds.
 *
 * Resolves to a `Timing` by the contender's name.
 */
export async function measure(contenders, seconds) {
  const lanes = [];
  for (const contender of contenders) {
    lanes.push({ contender, batch: await warmUp(contender), samples: [] });
  }
  await settle();
  const end = clock() + seconds * 1000;
  for (let round = 0; round < MIN_ROUNDS[effort] || clock() < end; round += 1) {
    for (let turn = 0; turn < lanes.length; turn += 1) {
      const lane = lanes[(turn + round) % lanes.length];
      lane.samples.push((await timed(lane.contender, lane.batch)) * 1e6);
      if (lane.contender.wasteful) await settle();
    }
  }
  return new Map(
    lanes.map(({ contender, batch, samples }) => [contender.name, new Timing(batch, samples)]),
  );
}

/** Has garbage collected, and waits for the threads that help with it. */
async function settle() {
  collectGarbage();
  await sleep(SETTLE_MS);
}

/** Runs a contender until it is at its fastest, and says how often that is in a batch. */
async function warmUp(contender) {
  const started = clock();
  let batch = 1;
  let best = Infinity;
  while (clock() - started < WARM_UP_MS[effort]) {
    best = Math.min(best, await timed(contender, batch));
    batch = Math.min(batch * 2, batchOf(best));
  }
  if (contender.wasteful) await settle();
  return contender.batch ?? batchOf(best);
}

function batchOf(milliseconds) {
  return Math.max(1, Math.round(BATCH_MS / Math.max(milliseconds, BATCH_MS / 1e5)));
}

/** What one of `times` operations takes. */
async function timed({ run, before }, times) {
  await before?.(times);
  const started = now();
  const running = run(times);
  const own = running instanceof Promise ? await running : undefined;
  return (own ?? now() - started) / times;
}

/** What one contender took for one operation, in nanoseconds, in each round. */
export class Timing {
  #samples;

  constructor(batch, samples) {
    this.batch = batch;
    this.#samples = samples;
  }

  get median() {
    return quantile(this.#samples, 0.5);
  }

  /** How many times as long as `base` it took, in the middle of the rounds. */
  ratioTo(base) {
    return quantile(
      this.#samples.map((sample, round) => sample / base.#samples[round]),
      0.5,
    );
  }

  toJSON() {
    return {
      median: round(this.median),
      p10: round(quantile(this.#samples, 0.1)),
      p90: round(quantile(this.#samples, 0.9)),
      rounds: this.#samples.length,
      batch: this.batch,
    };
  }
}

/** The value below which this share of the values lies. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place % 1);
}

function round(nanoseconds) {
  return Math.round(nanoseconds * 10) / 10;
}

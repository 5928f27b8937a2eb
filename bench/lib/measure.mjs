// Times contenders that do the same work. Other load on the machine slows down all of them, so they
// take turns in short batches, in a new random order in every round, and only durations within the
// same round are compared. What a store does now and then, such as a checkpoint, would meet the same
// contender again and again if the order repeated itself.

import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects garbage, so that the garbage of one contender does not pause another. */
export const collectGarbage = runInNewContext("gc");

/** Long enough that the clock's own cost is negligible, short enough to fit into a time slice. */
const BATCH_MS = 2;
/** How long a contender runs before it is measured, until its code is compiled. */
const WARM_UP_MS = { quick: 25, full: 100 };
const SETTLE_MS = 4;
const MIN_ROUNDS = { quick: 3, full: 7 };

/** The wall-clock time in milliseconds. */
const clock = () => performance.now();
/** The CPU time of this process in milliseconds. */
const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let now = clock;

let effort = "full";

/** Switches to fewer measurements. */
export function measureQuickly() {
  effort = "quick";
}

/** Switches from wall-clock time to CPU time. */
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
    for (const lane of shuffled(lanes)) {
      lane.samples.push((await timed(lane.contender, lane.batch)) * 1e6);
      if (lane.contender.wasteful) await settle();
    }
  }
  return new Map(
    lanes.map(({ contender, batch, samples }) => [contender.name, new Timing(batch, samples)]),
  );
}

/** The items in a random order. */
function shuffled(items) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Collects garbage, and waits for the helper threads. */
async function settle() {
  collectGarbage();
  await sleep(SETTLE_MS);
}

/** Warms up a contender, and returns the number of runs in a batch. */
async function warmUp(contender) {
  const started = clock();
  let batch = 1;
  let best = Infinity;
  while (clock() - started < WARM_UP_MS[effort]) {
    best = Math.min(best, await timed(contender, batch));
    batch = contender.batch === 1 ? 1 : Math.min(batch * 2, batchOf(best));
  }
  if (contender.wasteful) await settle();
  return contender.batch ?? batchOf(best);
}

function batchOf(milliseconds) {
  return Math.max(1, Math.round(BATCH_MS / Math.max(milliseconds, BATCH_MS / 1e5)));
}

/** The duration of one of `times` operations. */
async function timed({ run, before }, times) {
  await before?.(times);
  const started = now();
  const running = run(times);
  const own = running instanceof Promise ? await running : undefined;
  return (own ?? now() - started) / times;
}

/** The duration of one operation of a contender, in nanoseconds, for each round. */
export class Timing {
  #samples;

  constructor(batch, samples) {
    this.batch = batch;
    this.#samples = samples;
  }

  get median() {
    return quantile(this.#samples, 0.5);
  }

  /** The median ratio to `base` over the rounds. */
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

/** The quantile of the values. */
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

// Times single operations, to measure the worst case for a caller. As in `measure.mjs`, contenders
// take turns, here in blocks of a few dozen operations.

import { quantile } from "./measure.mjs";
import { table, time } from "./report.mjs";

/** Times each call of `act`, one after the other. */
export function oneByOne(name, act) {
  return {
    name,
    block: async (latencies, times) => {
      for (let i = 0; i < times; i += 1) {
        const started = performance.now();
        const acting = act();
        if (acting instanceof Promise) await acting;
        latencies.push(performance.now() - started);
      }
      return times;
    },
  };
}

/** Times each of `width` concurrent calls, from the call to the result. */
export function concurrently(name, width, act) {
  return {
    name,
    block: async (latencies, times) => {
      const rounds = Math.max(1, Math.round(times / width));
      for (let round = 0; round < rounds; round += 1) {
        const call = async () => {
          const started = performance.now();
          await act();
          latencies.push(performance.now() - started);
        };
        await Promise.all(Array.from({ length: width }, call));
      }
      return rounds * width;
    },
  };
}

/** Measures contenders for about `seconds` and creates a table. */
export async function latencies({ title, contenders, seconds, block }) {
  const lanes = contenders.map((contender) => ({ contender, each: [], perOperation: [] }));
  for (const { contender } of lanes) await contender.block([], block);
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < 3 || performance.now() < end; round += 1) {
    for (let turn = 0; turn < lanes.length; turn += 1) {
      const { contender, each, perOperation } = lanes[(turn + round) % lanes.length];
      const started = performance.now();
      const done = await contender.block(each, block);
      perOperation.push((performance.now() - started) / done);
    }
  }
  const data = lanes.map(({ contender: { name }, each, perOperation }) => ({
    name,
    operations: each.length,
    nanosecondsPerOperation: quantile(perOperation, 0.5) * 1e6,
    nanoseconds: {
      p50: quantile(each, 0.5) * 1e6,
      p90: quantile(each, 0.9) * 1e6,
      p99: quantile(each, 0.99) * 1e6,
      p999: quantile(each, 0.999) * 1e6,
      max: quantile(each, 1) * 1e6,
    },
  }));
  return {
    data,
    table: table(
      title,
      ["an operation", "a second", "p50", "p90", "p99", "p99.9", "most"],
      data.map(({ name, nanosecondsPerOperation, nanoseconds }) => [
        name,
        time(nanosecondsPerOperation),
        Math.round(1e9 / nanosecondsPerOperation).toLocaleString("en-US"),
        ...Object.values(nanoseconds).map(time),
      ]),
    ),
  };
}

// The latency of single appends, including the worst case: one at a time and many concurrently,
// with `durability: "normal"` and `"full"`.

import { randomFill } from "node:crypto";
import { promisify } from "node:util";
import { Floor } from "../contenders/floor.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { concurrently, latencies, oneByOne } from "../lib/latency.mjs";
import { check, checkMost, times } from "../lib/report.mjs";
import { fillMany, iterationData } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 24;

const sessions = 200;
const together = 100;
const inFlight = 64;
const base = "floor: better-sqlite3";
const one = "SQLite, awaited";
const many = `SQLite, ${inFlight} at once`;
const trip = "a trip to another thread";
/**
 * With durability "full": the greatest ratio of an append to the floor and a trip to another thread, and
 * the least gain of many at once.
 */
const wanted = { most: 1.3, gain: 5 };

export async function run({ seconds }) {
  const normal = await measured("normal", seconds / 3);
  const full = await measured("full", (seconds * 2) / 3);
  return {
    tables: [normal.table, full.table],
    notes: [
      'Rows with "at once": so many calls are made before the first is answered; "an operation" is the',
      "time that goes by for each of them, the percentiles are from a call to its answer.",
      `"${trip}" is the smallest call that Node does in its pool of threads: an awaited append takes one.`,
    ],
    checks: checksOf(full.data),
    data: { normal: normal.data, full: full.data },
  };
}

function checksOf(data) {
  const each = (row) => data.find(({ name }) => name === row).nanosecondsPerOperation;
  const bound = each(base) + each(trip);
  const gain = each(one) / each(many);
  const what = "an append with durability full";
  return [
    checkMost(`${one}: ${what} against the floor and ${trip}`, wanted.most, [
      [one, each(one) / bound],
    ]),
    check(
      `${many}: at least ${times(wanted.gain)} as many appends with durability full as one at a time`,
      gain >= wanted.gain,
      times(gain),
    ),
  ];
}

function measured(durability, seconds) {
  return inWorkspace(async (workspace) => {
    const ids = workspace
      .databases(["floor", "sync", "awaited"], (made) => fillMany(made, sessions))
      .filter((_, index) => index % 10 > 7);
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor"), { durability }));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`, { durability }));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`, { durability }));
    const rows = ids.map((id) => floor.row(id));
    const next = (items) => {
      let calls = 0;
      return () => items[calls++ % items.length];
    };
    const [nextRow, nextSync, nextAwaited] = [next(rows), next(ids), next(ids)];
    const batch = Array.from({ length: together }, (_, index) => rows[index % rows.length]);
    const append = () => awaited.incrementIteration(nextAwaited(), iterationData);
    const contenders = [
      oneByOne(base, () => floor.append(nextRow(), iterationData)),
      oneByOne("SQLite", () => sync.incrementIteration(nextSync(), iterationData)),
      oneByOne(one, append),
      concurrently("SQLite, 10 at once", 10, append),
      concurrently(many, inFlight, append),
      concurrently(`SQLite, ${together} at once`, together, append),
    ];
    if (durability === "full") {
      const byte = new Uint8Array(1);
      const fill = promisify(randomFill);
      contenders.push(oneByOne(trip, () => fill(byte)));
      const act = () => floor.appendTogether(batch, iterationData);
      contenders.splice(1, 0, inBatches(`floor, ${together} in one transaction`, together, act));
    }
    return latencies({
      title: `Append, durability "${durability}"`,
      contenders,
      seconds,
      block: together,
    });
  });
}

/** `act` performs `width` operations, which are complete when it returns. */
function inBatches(name, width, act) {
  return {
    name,
    block: async (latencies, times) => {
      const started = performance.now();
      act();
      latencies.push(performance.now() - started);
      return Math.max(width, times);
    },
  };
}

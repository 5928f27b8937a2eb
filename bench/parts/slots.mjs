// Slots: looking up a slot and replacing its session, by one caller, by hundreds of users of one or
// several servers, by a thousand users at the same moment, and after a server was killed.

import { setTimeout as sleep } from "node:timers/promises";
import { Floor } from "../contenders/floor.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { quantile } from "../lib/measure.mjs";
import { bytes, check, count, percent, table, time } from "../lib/report.mjs";
import { fillSlots, slotAt, slotSession, slotsOf } from "../lib/scenario.mjs";
import {
  concurrently,
  load,
  Server,
  ServerKilled,
  usageTable,
  withServers,
} from "../lib/users.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 100;

/** How long users think on average before each request, in milliseconds. */
const think = 1000;
/**
 * The number of sessions in one purge of the trash, and the interval between purges in
 * milliseconds.
 */
const purge = { olderThan: 1000, limit: 20, every: 20 };
/**
 * The targets for looking up and replacing, in milliseconds: the 99th percentile in the server, and
 * the maximum.
 */
const wanted = { look: { most99: 2, most: 100 }, replace: { most99: 10, most: 500 } };
const floorName = "floor: better-sqlite3";

/** The load cases, with their share of the time. Only cases with realistic load are judged. */
const cases = [
  { users: 100, servers: 1, parts: 2, judged: true },
  { users: 500, servers: 1, parts: 2, judged: true },
  { users: 100, servers: 4, parts: 2, judged: true },
  { users: 500, servers: 4, parts: 2, judged: true },
  { users: 500, servers: 4, parts: 2, locking: "pessimistic", judged: true },
  { users: 500, servers: 4, parts: 2, purging: true, judged: true },
  { users: 500, servers: 4, parts: 2, kind: "floor" },
  { users: 500, servers: 4, parts: 1, think: 200 },
  { users: 500, servers: 1, parts: 1, think: 0 },
  { users: 500, servers: 4, parts: 1, think: 0 },
  { users: 500, servers: 1, parts: 1, think: 0, kind: "floor" },
];
const allParts = cases.reduce((sum, { parts }) => sum + parts, 0);

export function run({ seconds, quick }) {
  const number = quick ? 3000 : 10_000;
  return inWorkspace(async (workspace) => {
    const names = ["floor", "sync", "awaited", "served", "served-by-floor"];
    workspace.databases(names, (sessions) => fillSlots(sessions, number));
    const alone = await oneCaller(workspace, number, seconds / 6);
    const loads = await underLoad(workspace, slotsOf(number), seconds / 1.5);
    const spikes = await spike(workspace, quick ? 2 : 5);
    const recoveries = await recovery(workspace, quick ? 3 : 10);
    const title = (what) => `${what}, by many users, over ${count(number)} sessions`;
    return {
      tables: [
        alone.table,
        loadTable(title("Look up a slot"), loads, "look"),
        loadTable(title("Replace the session in a slot"), loads, "replace"),
        usageTable("What the servers use meanwhile", loads),
        spikeTable(spikes),
        recoveryTable(recoveries),
      ],
      notes: [
        `A user looks up a slot, replaces the session there, adds an event to it and sends an empty request, and then starts over, thinking for ${think} ms on average before each. Servers are processes on one database, and the users are in another process: what is timed includes the way to the server and back, which "nothing" shows by itself. While they purge, one of the servers removes what has been in the trash for a second, ${purge.limit} sessions each ${purge.every} ms.`,
      ],
      checks: [...loadChecks(loads), ...spikeChecks(spikes), ...recoveryChecks(recoveries)],
      data: {
        alone: alone.data,
        loads: loads.map(({ took, inServer, ...rest }) => ({
          ...rest,
          nanoseconds: mapped(took, summary),
          nanosecondsInServer: mapped(inServer, summary),
        })),
        spikes: spikes.map(({ took, ...rest }) => ({ ...rest, nanoseconds: summary(took) })),
        recoveries: mapped(recoveries, summary),
      },
    };
  });
}

/** The durations of single operations. */
async function oneCaller(workspace, number, seconds) {
  const at = (file) => workspace.path(`${file}.db`);
  const floor = workspace.closing(new Floor(at("floor")));
  const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
  const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
  let turns = 0;
  const slot = () => (turns++ * 7919) % slotsOf(number);
  const model = () => `model-${turns}`;
  const acting = (sessions) => (what) => {
    if (what === "look") {
      return () => {
        const { taskId, phase } = slotAt(slot());
        return sessions.latestSession(taskId, phase);
      };
    }
    const how = { onModelChange: "replace", locking: what };
    return () => sessions.startInSlot(slotSession(slot(), model()), how);
  };
  const byFloor = (what) =>
    what === "look"
      ? () => floor.inSlot(slotAt(slot()))
      : () => floor.replace(slotSession(slot(), model()));
  return grid({
    title: `Slots, by one caller, over ${count(number)} sessions`,
    columns: [
      ["look up", "look"],
      ["replace, optimistic", "optimistic"],
      ["replace, pessimistic", "pessimistic"],
    ],
    rows: [
      calls(floorName, byFloor),
      calls("SQLite", acting(sync)),
      awaits("SQLite, awaited", acting(awaited)),
    ],
    base: floorName,
    seconds,
  });
}

async function underLoad(workspace, slots, seconds) {
  const loads = [];
  for (const { kind = "tenure", purging, ...about } of cases) {
    const result = await withServers(
      kind,
      databaseOf(workspace, kind),
      about.servers,
      async (all) => {
        const purged = purging && all[0].ask("sweep", purge);
        const share = (seconds * about.parts) / allParts;
        const loaded = await load(all, { slots, think, seconds: share, ...about });
        if (purging) await all[0].ask("stop");
        return { ...loaded, ...(purging && { purged: (await purged).answer }) };
      },
    );
    loads.push({ name: nameOf({ kind, purging, ...about }), ...about, ...result });
  }
  return loads;
}

function nameOf({ users, servers, kind, locking, purging, think }) {
  return [
    kind === "floor" ? `${floorName}: ${users} users` : `${users} users`,
    servers === 1 ? "1 server" : `${servers} servers`,
    ...(locking ? [locking] : []),
    ...(purging ? ["while they purge"] : []),
    ...(think === undefined
      ? []
      : [think === 0 ? "who do not think" : `who think for ${think} ms`]),
  ].join(", ");
}

function databaseOf(workspace, kind) {
  return workspace.path(kind === "floor" ? "served-by-floor.db" : "served.db");
}

function loadTable(title, loads, what) {
  return table(
    title,
    ["a second", "median", "p95", "p99", "most", "in the server, p99", '"nothing", p99'],
    loads.map(({ name, took, inServer, seconds }) => {
      const { p50, p95, p99, most } = summary(took[what]);
      const beside = [summary(inServer[what]).p99, summary(took.nothing).p99];
      const perSecond = count(took[what].length / seconds);
      return [name, perSecond, ...[p50, p95, p99, most, ...beside].map(time)];
    }),
  );
}

function loadChecks(loads) {
  const checks = [];
  for (const { name, took, inServer, cpu, memory } of loads.filter(({ judged }) => judged)) {
    for (const [what, { most99, most }] of Object.entries(wanted)) {
      const { p99 } = summary(inServer[what]);
      const { most: slowest } = summary(took[what]);
      const said = what === "look" ? "looking up a slot" : "a replacement";
      const within = `99 of 100 times within ${most99} ms in the server`;
      checks.push(check(`${name}: ${said} ${within}`, p99 < most99 * 1e6, time(p99)));
      checks.push(
        check(`${name}: ${said} always within ${most} ms`, slowest < most * 1e6, time(slowest)),
      );
    }
    checks.push(check(`${name}: at most 80 % of the processors`, cpu <= 0.8, percent(cpu)));
    checks.push(check(`${name}: less than 5 GB of memory`, memory < 5e9, bytes(memory)));
  }
  return checks;
}

/** A thousand users, all at the same moment. */
async function spike(workspace, rounds) {
  const users = 1000;
  const spikes = [];
  for (const servers of [1, 4]) {
    const took = { nothing: [], look: [], replace: [] };
    await withServers("tenure", databaseOf(workspace, "tenure"), servers, async (all) => {
      for (let round = 0; round <= rounds; round += 1) {
        const slot = (index) => index * 2 + round;
        const asked = {
          nothing: () => ({}),
          look: (index) => slotAt(slot(index)),
          replace: (index) => ({ slot: slot(index), model: `spike-${servers}-${round}` }),
        };
        for (const [what, about] of Object.entries(asked)) {
          const times = await concurrently(all, { users, what, about });
          // The first round is the warm-up.
          if (round > 0) took[what].push(...times);
          await sleep(100);
        }
      }
    });
    const where = servers === 1 ? "1 server" : `${servers} servers`;
    const names = { nothing: "nothing", look: "look up a slot", replace: "replace" };
    for (const [what, name] of Object.entries(names)) {
      spikes.push({ name: `${name}, ${where}`, took: took[what], judged: what === "replace" });
    }
  }
  return spikes;
}

function spikeTable(spikes) {
  return table(
    "1,000 users at the same moment: until they are answered",
    ["median", "p95", "p99", "the last"],
    spikes.map(({ name, took }) => [name, ...Object.values(summary(took)).map(time)]),
  );
}

function spikeChecks(spikes) {
  const { most } = wanted.replace;
  return spikes
    .filter(({ judged }) => judged)
    .map(({ name, took }) => {
      const last = summary(took).most;
      const what = `1,000 users at the same moment, ${name}: all within ${most} ms`;
      return check(what, last < most * 1e6, time(last));
    });
}

/**
 * The time until another server can write after one was killed during writes, and until its
 * successor can.
 */
async function recovery(workspace, rounds) {
  const path = databaseOf(workspace, "tenure");
  const times = { others: [], successor: [] };
  await withServers("tenure", path, 1, async ([other]) => {
    for (let round = 0; round < rounds; round += 1) {
      const replace = (server, index) =>
        server.ask("replace", { slot: round * 200 + index, model: `recovery-${round}` });
      const victim = new Server("tenure", path);
      await victim.ready();
      const writing = Array.from({ length: 100 }, (_, index) =>
        replace(victim, index).catch((error) => {
          if (!(error instanceof ServerKilled)) throw error;
        }),
      );
      await sleep(round % 5);
      const killed = performance.now();
      const kill = victim.kill();
      await replace(other, 150);
      times.others.push(performance.now() - killed);
      await Promise.all([kill, ...writing]);
      const started = performance.now();
      const successor = new Server("tenure", path);
      await successor.ready();
      await replace(successor, 151);
      times.successor.push(performance.now() - started);
      await successor.kill();
    }
  });
  return times;
}

function recoveryTable(times) {
  const { others, successor } = mapped(times, summary);
  const row = ({ p50, most }) => [time(p50), time(most)];
  return table(
    "A server is killed while it writes: until a session is replaced again",
    ["median", "most"],
    [
      ["by another server", ...row(others)],
      ["by a new one, with its start", ...row(successor)],
    ],
  );
}

function recoveryChecks({ others }) {
  const { most } = summary(others);
  const what = `after a server was killed, others write within ${wanted.replace.most} ms`;
  return [check(what, most < wanted.replace.most * 1e6, time(most))];
}

/** Summarises durations in milliseconds, in nanoseconds. */
function summary(took) {
  const at = (share) => quantile(took, share) * 1e6;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

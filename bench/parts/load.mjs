// Users of servers that share a PostgreSQL database: 100, 500 and 1,000 of them, a spike, a load that is kept up for
// as long as `--duration` says, the removal of old sessions at the same time, and an outage of the database.

import { setTimeout as sleep } from "node:timers/promises";
import { open } from "../contenders/tenure.mjs";
import { quantile } from "../lib/measure.mjs";
import { appendThroughOutage } from "../lib/outage.mjs";
import { settingsNote, withPostgres } from "../lib/postgres-server.mjs";
import { bytes, check, count, percent, table, time, times } from "../lib/report.mjs";
import { fillSlotsTogether, slotAt, slotsOf } from "../lib/scenario.mjs";
import {
  allRequests,
  concurrently,
  load,
  usageTable,
  WARM_UP_MS,
  withServers,
} from "../lib/users.mjs";

export const seconds = 150;

/** How long users think on average before each request, in milliseconds. */
const think = 1000;
/** The servers, each a process with ten connections. */
const servers = 4;
/** What is wanted of 500 users, in milliseconds at the user: the 99th percentile, and the longest. */
const wanted = { look: { most99: 10, most: 100 }, replace: { most99: 50, most: 500 } };
/** The share of the processors and the memory of all servers that 500 users may take. */
const mostUsed = { cpu: 0.8, memory: 5 * 2 ** 30 };
/** The greatest growth of the 99th percentile, and of the memory, under a load that is kept up. */
const mostGrowth = 1.5;
const purge = { olderThan: 1000, limit: 20, every: 20 };
const cases = [
  { users: 100, parts: 1 },
  { users: 500, parts: 2 },
  { users: 500, parts: 2, purging: true },
  { users: 1000, parts: 2 },
];
/** The outage: how many seconds the database is away, and the users that append meanwhile. */
const outage = { away: 3, users: 100, before: 1, after: 2 };

export function run({ seconds, quick, duration }) {
  const number = quick ? 600 : 3000;
  return withPostgres(async (server) => {
    const url = `${server.url}?schema=load`;
    await fill(url, number);
    const slots = slotsOf(number);
    const shares = cases.reduce((sum, { parts }) => sum + parts, 2);
    const share = (parts) => (seconds * 0.8 * parts) / shares;
    const loads = [];
    for (const each of cases) loads.push(await underLoad(url, slots, share(each.parts), each));
    const spikes = await spike(url, quick ? 1 : 3);
    const sustained = await keptUp(url, slots, duration ?? share(2));
    const recovered = await appendThroughOutage(server, url, { ...outage, servers });
    return {
      tables: [
        loadTable(loads),
        usageTable("What the servers use meanwhile, without the database", [...loads, sustained]),
        spikeTable(spikes),
        sustainedTable(sustained),
        outageTable(recovered),
      ],
      notes: [
        settingsNote,
        `A user looks up a slot, starts a session in a free one, replaces the session in the first one, appends to it, reads it and sends an empty request, thinking for ${think} ms on average before each. The servers are ${servers} processes, each with ten connections; a time is that of a user in another process, from the request to the response.`,
        `An outage: ${outage.users} users append without thinking, each with an idempotency key, and repeat what has failed. The server of the database is stopped as by a crash, and started again ${outage.away} s later.`,
      ],
      checks: [
        ...loadChecks(loads),
        ...spikeChecks(spikes),
        ...sustainedChecks(sustained),
        ...outageChecks(recovered),
      ],
      data: {
        loads: loads.map(({ took, inServer, ...rest }) => ({
          ...rest,
          nanoseconds: mapped(took, summary),
          nanosecondsInServer: mapped(inServer, summary),
        })),
        spikes: mapped(spikes, summary),
        sustained: sustained.parts,
        recovered: { ...recovered, waits: summary(recovered.waits) },
      },
    };
  });
}

async function fill(url, number) {
  const sessions = await open(url, { pool: { max: 20 } });
  await fillSlotsTogether(sessions, number);
  await sessions.close();
}

function underLoad(url, slots, seconds, { users, purging }) {
  return withServers("postgres", url, servers, async (all) => {
    const purged = purging && all[0].ask("sweep", purge);
    const loaded = await load(all, { users, slots, seconds, think, kinds: allRequests });
    if (purging) await all[0].ask("stop");
    const name = `${count(users)} users${purging ? ", while trash is purged" : ""}`;
    return { name, users, ...loaded, ...(purging && { purged: (await purged).answer }) };
  });
}

/** A thousand users, all at the same moment. */
function spike(url, rounds) {
  return withServers("postgres", url, servers, async (all) => {
    const took = { nothing: [], look: [], create: [], replace: [] };
    const run = Math.random().toString(36).slice(2);
    for (let round = 0; round <= rounds; round += 1) {
      const asked = {
        nothing: () => ({}),
        look: (index) => slotAt(index * 2 + round),
        create: (index) => ({ task: `spike-${run}-${round}-${index}` }),
        replace: (index) => ({ slot: index * 2 + round, model: `spike-${round}` }),
      };
      for (const [what, about] of Object.entries(asked)) {
        const durations = await concurrently(all, { users: 1000, what, about });
        // The first round is the warm-up.
        if (round > 0) took[what].push(...durations);
        await sleep(100);
      }
    }
    return took;
  });
}

/** The load of 500 users for some time, in ten parts. */
function keptUp(url, slots, seconds) {
  const parts = Array.from({ length: 10 }, () => ({ look: [], replace: [], memory: 0 }));
  return withServers("postgres", url, servers, async (all) => {
    const began = performance.now() + WARM_UP_MS;
    const partAt = () => {
      const passed = (performance.now() - began) / (seconds * 1000);
      return parts[Math.max(0, Math.min(parts.length - 1, Math.floor(passed * parts.length)))];
    };
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const used = await Promise.all(all.map((each) => each.ask("usage")));
        partAt().memory = used.reduce((sum, { answer }) => sum + answer.memory, 0);
        await sleep(Math.min(1000, (seconds * 1000) / 20));
      }
    })();
    const loaded = await load(all, {
      users: 500,
      slots,
      seconds,
      think,
      kinds: allRequests,
      observe: (what, took) => partAt()[what]?.push(took),
    });
    isOver = true;
    await watching;
    return {
      name: `500 users for ${Math.round(seconds)} s`,
      users: 500,
      ...loaded,
      parts: parts.map(({ look, replace, memory }) => ({
        requests: look.length,
        look: summary(look).p99,
        replace: summary(replace).p99,
        memory,
      })),
    };
  });
}

function loadTable(loads) {
  const kinds = [
    ["look", "look up a slot"],
    ["create", "start in a free slot"],
    ["replace", "replace"],
    ["work", "append"],
    ["read", "read"],
    ["nothing", "nothing"],
  ];
  return table(
    "PostgreSQL: requests of many users",
    ["a second", "median", "p95", "p99", "most", "in the server, p99"],
    loads.flatMap(({ name, took, inServer, seconds }) =>
      kinds.map(([kind, what]) => {
        const { p50, p95, p99, most } = summary(took[kind]);
        const shown = [p50, p95, p99, most, summary(inServer[kind]).p99].map(time);
        return [`${name}: ${what}`, count(took[kind].length / seconds), ...shown];
      }),
    ),
  );
}

function spikeTable(spikes) {
  return table(
    "1,000 users at the same moment: until they are answered",
    ["median", "p95", "p99", "the last"],
    Object.entries(spikes).map(([name, took]) => [name, ...Object.values(summary(took)).map(time)]),
  );
}

function sustainedTable({ name, parts }) {
  return table(
    `${name}, in tenths`,
    ["requests", "look up, p99", "replace, p99", "memory of the servers"],
    parts.map(({ requests, look, replace, memory }, index) => [
      `${index + 1}`,
      count(requests),
      time(look),
      time(replace),
      bytes(memory),
    ]),
  );
}

function outageTable({ appended, lost, twice, failures, waits, backAfterMs }) {
  const failed = Object.entries(failures).map(([code, number]) => `${count(number)} ${code}`);
  return table(
    `The database is away for ${outage.away} s`,
    [
      "appended",
      "lost",
      "twice",
      "errors",
      "until the first append after it",
      "the longest append",
    ],
    [
      [
        `${outage.users} users`,
        ...[appended, lost, twice].map(count),
        failed.join(", ") || "none",
        time(backAfterMs * 1e6),
        time(summary(waits).most),
      ],
    ],
  );
}

function loadChecks(loads) {
  const checks = [];
  for (const { name, users, took, cpu, memory } of loads.filter(({ users }) => users <= 500)) {
    for (const [what, { most99, most }] of Object.entries(wanted)) {
      const { p99, most: slowest } = summary(took[what]);
      const said = what === "look" ? "looking up a slot" : "a replacement";
      checks.push(
        check(
          `${name}: ${said} 99 of 100 times within ${most99} ms`,
          p99 < most99 * 1e6,
          time(p99),
        ),
        check(`${name}: ${said} always within ${most} ms`, slowest < most * 1e6, time(slowest)),
      );
    }
    if (users < 500) continue;
    checks.push(
      check(
        `${name}: at most ${percent(mostUsed.cpu)} of the processors`,
        cpu <= mostUsed.cpu,
        percent(cpu),
      ),
      check(`${name}: at most 5 GB of memory`, memory <= mostUsed.memory, bytes(memory)),
    );
  }
  return checks;
}

function spikeChecks({ replace }) {
  const { most } = summary(replace);
  const what = `1,000 users at the same moment, replace: all within ${wanted.replace.most} ms`;
  return [check(what, most < wanted.replace.most * 1e6, time(most))];
}

function sustainedChecks({ name, parts }) {
  // The first part is the one in which connections are opened and statements prepared.
  const [, first] = parts;
  const last = parts.at(-1);
  const growth = (of) => last[of] / first[of];
  return [
    ["look", "looking up a slot, p99"],
    ["replace", "a replacement, p99"],
    ["memory", "the memory of the servers"],
  ].map(([of, what]) =>
    check(
      `${name}: ${what} grows to at most ${times(mostGrowth)} from the second tenth to the last`,
      growth(of) <= mostGrowth,
      times(growth(of)),
    ),
  );
}

function outageChecks({ lost, twice, backAfterMs }) {
  return [
    check("an outage: nothing that was acknowledged is lost", lost === 0, count(lost)),
    check("an outage: nothing is appended twice", twice === 0, count(twice)),
    check(
      "an outage: appends succeed within 2 s of the end",
      backAfterMs < 2000,
      time(backAfterMs * 1e6),
    ),
  ];
}

/** Summarises durations in milliseconds, in nanoseconds. */
function summary(took) {
  const at = (share) => quantile(took, share) * 1e6;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

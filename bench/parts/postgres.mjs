// A store in PostgreSQL: single operations, one after the other, against the same statements of a bare client, and
// against LangGraph's saver on the same server. Most of a time is the exchange with the server, and the sync of its log
// where something is written.

import { FloorPostgres } from "../contenders/floor-postgres.mjs";
import { LangGraphPostgres } from "../contenders/langgraph.mjs";
import { open } from "../contenders/tenure.mjs";
import { appending } from "../lib/appending.mjs";
import { awaits, grid } from "../lib/grid.mjs";
import { concurrently, latencies } from "../lib/latency.mjs";
import { settingsNote, withPostgres } from "../lib/postgres-server.mjs";
import { check, checkMost, count, times } from "../lib/report.mjs";
import {
  fillSlots,
  iterationData,
  newSession,
  pastEvent,
  slotAt,
  slotSession,
  slotsOf,
  userOf,
} from "../lib/scenario.mjs";

export const seconds = 40;

const histories = [10, 1000];
const limit = 50;
const user = userOf(1);
const floorName = "floor: pg, the same statements";
const knowing = "floor: pg, without reading the head";
const tenure = "PostgreSQL";
const langgraph = "PostgreSQL, LangGraph";
/** The greatest ratio of an append to the floor. */
const most = 1.3;
/** How many appends are in flight at once. */
const widths = [10, 50];

const appends = histories.map((events) => [`append to ${count(events)} events`, events]);
const reads = [
  ["the head", 0],
  ["the last 10 of 1,000", 10],
  ["all of 1,000", 1000],
];
const lists = [
  [`${limit} newest`, "newest"],
  [`${limit} of one user, completed`, "ofUser"],
];

export function run({ seconds, quick }) {
  const number = quick ? 500 : 3000;
  return withPostgres(async (server) => {
    const closing = [];
    const schema = (name) => `${server.url}?schema=${name}`;
    const opened = async (name) => {
      const sessions = await open(schema(name));
      closing.push(sessions);
      return sessions;
    };
    try {
      const sessions = await opened("bench");
      const other = await opened("bench_floor");
      const ids = await fillBoth(sessions, other, number);
      const floor = await FloorPostgres.open(server.url, "bench_floor");
      const peer = await LangGraphPostgres.open(server.url, "bench_langgraph");
      closing.push(floor, peer);
      for (const id of ids.others.slice(0, limit * 4)) {
        await peer.put(await sessions.get(id, { history: "all" }));
      }
      const written = await writing({ sessions, floor, peer, ids, seconds: seconds / 2 });
      const read = await reading({ sessions, floor, peer, ids, seconds: seconds / 5 });
      const listed = await listing({ sessions, floor, peer, number, seconds: seconds / 10 });
      const slots = await replacing({ sessions, floor, number, seconds: seconds / 10 });
      const many = await manyAtOnce({ sessions, ids, seconds: seconds / 10 });
      return {
        tables: [written.table, read.table, listed.table, slots.table, many.table],
        notes: [
          settingsNote,
          "The floor reads and writes what Tenure does, on one connection with prepared statements: those that read, and then one that writes the head with all its columns, the event, the change in the feed and the token of the commit. It decides nothing and checks the version alone; that no runner has a lease of the session, which Tenure checks in a statement of its own, it does not check. LangGraph writes the complete state each time.",
        ],
        checks: [...checksOf(written, slots), throughput(many)],
        data: {
          written: written.data,
          read: read.data,
          listed: listed.data,
          slots: slots.data,
          many: many.data,
        },
      };
    } finally {
      for (const each of closing.reverse()) await each.close();
    }
  });
}

/** Fills two stores alike, and returns the ids: by the number of events, all others, and those of them that are live. */
async function fillBoth(sessions, other, number) {
  const ids = { long: new Map(), others: [], live: [] };
  for (const events of histories) {
    ids.long.set(events, [await filled(sessions, events, events)]);
  }
  // Many are started at once, which takes less time.
  const atOnce = 20;
  for (let first = 0; first < number; first += atOnce) {
    const part = Array.from({ length: Math.min(atOnce, number - first) }, (_, n) => first + n);
    const started = part.map(async (index) => {
      const id = await filled(sessions, index, 4);
      if (index % 10 < 6) await sessions.complete(id, "Fixed, with a test");
      else ids.live.push(id);
      return id;
    });
    ids.others.push(...(await Promise.all(started)));
  }
  await copyAll(sessions, other);
  for (const each of [sessions, other]) await fillSlotsOf(each, Math.min(number, 600));
  return ids;
}

async function filled(sessions, index, events) {
  const { id } = await sessions.start(newSession(index));
  for (let done = 1; done < events; ) {
    const part = Math.min(events - done, 1000);
    const past = Array.from({ length: part }, (_, n) => pastEvent(done + n));
    await sessions.addEvents(id, past);
    done += part;
  }
  return id;
}

async function copyAll(from, into) {
  for await (const { id } of from.list({ limit: 200 })) await into.import(await from.export(id));
}

/** As `fillSlots`, for an asynchronous store: the starts in one slot follow each other. */
async function fillSlotsOf(sessions, count) {
  const starts = [];
  const recording = { startInSlot: (session, options) => starts.push([session, options]) };
  fillSlots(recording, count);
  for (const [session, options] of starts) await sessions.startInSlot(session, options);
}

async function writing({ sessions, floor, peer, ids, seconds }) {
  const columns = [["start", "start"], ...appends];
  const kept = new Map();
  for (const [id] of ids.long.values()) {
    kept.set(id, await sessions.export(id));
    await peer.put(await sessions.get(id, { history: "all" }));
  }
  let started = 0;
  const starting = (store) => () => store.start(newSession(started++));
  const rows = [
    awaits(floorName, (what) =>
      what === "start"
        ? starting(floor)
        : appending(what, ids.long.get(what), {
            append: (id) => floor.readAndAppend(id, iterationData),
            cut: async (id) => floor.cut(await floor.row(id), what),
          }),
    ),
    awaits(knowing, async (what) => {
      if (what !== histories[0]) return undefined;
      // Other sessions than those above, whose rows nobody else changes.
      const rows = [];
      for (const id of ids.others.slice(0, 4)) rows.push(await floor.row(id));
      return appending(what, rows, {
        append: (row) => floor.append(row, iterationData),
        cut: (row) => floor.cut(row, 4),
      });
    }),
    awaits(tenure, (what) =>
      what === "start"
        ? starting(sessions)
        : appending(what, ids.long.get(what), {
            append: (id) => sessions.incrementIteration(id, iterationData),
            cut: (id) => sessions.import(kept.get(id)),
          }),
    ),
    awaits(
      langgraph,
      (what) =>
        what === "start"
          ? starting(peer)
          : appending(what, ids.long.get(what), {
              append: (id) => peer.append(id, iterationData),
              cut: (id) => peer.put(JSON.parse(kept.get(id))),
            }),
      { wasteful: true },
    ),
    awaits("one round trip, SELECT 1", () => () => floor.roundTrip()),
  ];
  return grid({ title: "PostgreSQL: write", columns, rows, base: floorName, seconds });
}

function reading({ sessions, floor, peer, ids, seconds }) {
  const [id] = ids.long.get(1000);
  const history = (events) => (events === 0 ? "none" : events === 1000 ? "all" : events);
  const rows = [
    awaits(floorName, (events) => () => floor.get(id, events)),
    awaits(tenure, (events) => () => sessions.get(id, { history: history(events) })),
    awaits(langgraph, () => () => peer.get(id), { wasteful: true }),
  ];
  const title = "PostgreSQL: read a session";
  return grid({ title, columns: reads, rows, base: floorName, seconds });
}

function listing({ sessions, floor, peer, number, seconds }) {
  const ofUser = { userId: user, status: "completed" };
  const rows = [
    awaits(
      floorName,
      (what) => () =>
        what === "newest" ? floor.list(limit) : floor.listOfUser(user, "completed", limit),
    ),
    awaits(tenure, (what) => () => sessions.list({ limit, ...(what === "ofUser" && ofUser) })),
    awaits(langgraph, (what) => () => peer.list(limit, what === "ofUser" ? ofUser : undefined)),
    awaits("statistics of all", (what) => (what === "newest" ? () => sessions.stats() : undefined)),
  ];
  const title = `PostgreSQL: list, over ${count(number)} sessions`;
  return grid({ title, columns: lists, rows, base: floorName, seconds });
}

function replacing({ sessions, floor, number, seconds }) {
  const slots = slotsOf(Math.min(number, 600));
  let turns = 0;
  const slot = () => (turns++ * 7919) % slots;
  const columns = [
    ["look up a slot", "look"],
    ["replace its session", "replace"],
  ];
  const next = () => slotSession(slot(), `model-${turns}`);
  const rows = [
    awaits(
      floorName,
      (what) => () => (what === "look" ? floor.inSlot(slotAt(slot())) : floor.replace(next())),
    ),
    awaits(tenure, (what) => () => {
      if (what === "replace") return sessions.startInSlot(next(), { onModelChange: "replace" });
      const { taskId, phase } = slotAt(slot());
      return sessions.latestSession(taskId, phase);
    }),
  ];
  return grid({ title: "PostgreSQL: slots", columns, rows, base: floorName, seconds });
}

function manyAtOnce({ sessions, ids, seconds }) {
  let calls = 0;
  const append = () =>
    sessions.addEvent(ids.live[calls++ % ids.live.length], "note", iterationData);
  return latencies({
    title: "PostgreSQL: append to many sessions at once, with 10 connections",
    contenders: [1, ...widths].map((width) => concurrently(`${width} at once`, width, append)),
    seconds,
    block: Math.max(...widths) * 2,
  });
}

function checksOf(written, slots) {
  const ratio = (measured, column) =>
    measured.at(tenure, column).ratioTo(measured.at(floorName, column));
  const ratios = appends.map(([label]) => [label, ratio(written, label)]);
  const [[shortest], [longest]] = [appends[0], appends.at(-1)];
  const growth = written.at(tenure, longest).ratioTo(written.at(tenure, shortest));
  return [
    checkMost(`${tenure}: an append against the floor`, most, ratios),
    checkMost(`${tenure}: a start against the floor`, most, [["start", ratio(written, "start")]]),
    checkMost(`${tenure}: appending with ${longest} against ${shortest}`, 1.2, [[longest, growth]]),
    checkMost(`${tenure}: a replacement against the floor`, 1.5, [
      ["replace its session", ratio(slots, "replace its session")],
    ]),
    ...appends.map(([label]) => {
      const against = written.at(langgraph, label).ratioTo(written.at(tenure, label));
      const what = `${tenure}: ${label} in less time than LangGraph`;
      return check(what, against > 1, `LangGraph takes ${times(against)} as long`);
    }),
  ];
}

function throughput(many) {
  const [one, ...others] = many.data;
  const gain = one.nanosecondsPerOperation / others.at(-1).nanosecondsPerOperation;
  const what = `${tenure}: ${others.at(-1).name} do at least 3 times as many appends as one`;
  return check(what, gain >= 3, times(gain));
}

// A page of fifty sessions in the memory store, native and in WebAssembly, against an array in JavaScript
// that is filtered, sorted and cut. Also how long it takes to load the sessions: as bytes, and from JSON.

import { MapStore } from "../contenders/map-store.mjs";
import { builds } from "../contenders/tenure.mjs";
import { calls, grid } from "../lib/grid.mjs";
import { checkMost, count, table, time, times } from "../lib/report.mjs";
import { newSession, userOf } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 16;

const many = 1_000_000;
const users = 200;
const limit = 50;
/** So many sessions are loaded at a time. */
const PART = 1000;
/** So often are mirrors loaded. */
const rounds = 5;
const status = "completed";
const userId = userOf(3, users);
const columns = [
  ["newest", {}],
  ["by status", { status }],
  ["by user and status", { userId, status }],
];
const base = "an array: filter, sort, slice";
/** The most that a page may take in nanoseconds, by build. */
const mostTime = { native: 300e3, wasm: 1e6 };
/** The greatest ratios: to the array, of a million sessions to the fewer, and of loading to `JSON.parse`. */
const most = { ofArray: 1 / 30, ofFew: 1.5, load: 0.6 };

export function run({ seconds, quick, large }) {
  const few = quick ? 20_000 : 100_000;
  return inWorkspace(async (workspace) => {
    const opening = (entry) => workspace.closing(entry.openSync("memory:"));
    const [[, native], ...others] = builds();
    const first = opening(native);
    const ids = [];
    for (let index = 0; index < few; index += 1) ids.push(begin(first, index, index % 10 < 6));
    // One that is only loaded, and closed again.
    const scratch = { build: "native", sessions: native.openSync("memory:"), took: 0 };
    const loaded = others.map(([build, entry]) => ({
      build,
      number: few,
      sessions: opening(entry),
      took: 0,
    }));
    const parsed = load([scratch, ...loaded], first, ids);
    scratch.sessions.close();
    const opened = [{ build: "native", number: few, sessions: first }, ...loaded];
    const ofMany = (large ? builds() : []).map(([build, entry]) => {
      const sessions = opening(entry);
      for (let index = 0; index < many; index += 1) begin(sessions, index, index % 20 === 3);
      return { build, number: many, sessions };
    });
    const all = [...opened, ...ofMany];
    const heads = headsOf(opened[0].sessions);
    const mirrors = await loadMirrors(opened[0].sessions, heads);
    const loads = [
      ["JSON.parse of the heads", mirrors.parsed],
      ...mirrors.loads.flatMap(({ build, took, withList }) => [
        [`a mirror, ${build}, from bytes`, took],
        [`a mirror, ${build}, from bytes, and a list that reads every head`, withList],
      ]),
      ["JSON.parse of the exported sessions", parsed],
      ...[scratch, ...loaded].map(({ build, took }) => [
        `memory, ${build}, imported one by one`,
        took,
      ]),
      ...builds().map(([build, entry]) => [
        `a store of one's own, ${build}, a list`,
        listing(entry, heads),
      ]),
    ];
    const nameOf = (build, number) => `memory, ${build}, ${count(number)}`;
    const measured = await grid({
      title: `A page of ${limit} in memory, of ${count(few)} sessions`,
      columns,
      rows: [
        calls(base, (query) => () => page(heads, query)),
        calls("JSON.parse of the page", (query) => {
          const text = JSON.stringify(page(heads, query));
          return () => JSON.parse(text);
        }),
        ...all.map(({ build, number, sessions }) =>
          calls(nameOf(build, number), (query) => () => sessions.list({ ...query, limit })),
        ),
      ],
      base,
      seconds,
    });
    const each = (build, number, value) =>
      columns.map(([label]) => [label, value(measured.at(nameOf(build, number), label), label)]);
    const checks = all.flatMap(({ build, number }) => {
      const what = `memory, ${build}: a page of ${count(number)}`;
      if (number === many) {
        const ratio = (timing, label) => timing.ratioTo(measured.at(nameOf(build, few), label));
        return [
          checkMost(`${what} against one of ${count(few)}`, most.ofFew, each(build, number, ratio)),
        ];
      }
      const ratio = (timing, label) => timing.ratioTo(measured.at(base, label));
      return [
        checkMost(
          what,
          mostTime[build],
          each(build, number, ({ median }) => median),
          time,
        ),
        checkMost(`${what} against the array`, most.ofArray, each(build, number, ratio), share),
      ];
    });
    for (const { build, took } of mirrors.loads) {
      const what = `a mirror, ${build}: loading ${count(few)} heads from bytes against JSON.parse`;
      checks.push(checkMost(what, most.load, [["loaded", took / mirrors.parsed]]));
    }
    return {
      tables: [
        measured.table,
        table(
          `Load ${count(few)} sessions`,
          ["in all", "of JSON.parse of the heads"],
          loads.map(([name, took]) => [name, time(took * 1e6), times(took / mirrors.parsed)]),
        ),
      ],
      notes: [
        `Mirrors are loaded in turns with JSON.parse of the same heads, ${rounds} times; the median counts. A mirror reads what lists and statistics order and count by at once, and the rest of a head when it is needed. The heads are ${Math.round(mirrors.bytes / few)} bytes each as bytes, and ${Math.round(mirrors.characters / few)} as JSON.`,
        "The rest is timed once. An import is a call, which reads and checks the JSON of a session, and indexes it. A store of one's own passes the heads of all sessions with each list, as JSON.",
      ],
      checks,
      data: [...measured.data, { name: "loads", milliseconds: Object.fromEntries(loads) }],
    };
  });
}

/**
 * Imports the sessions of a store into others, and returns how long `JSON.parse` of them took. They are
 * exported a part at a time, as a large JavaScript heap is collected again and again while
 * WebAssembly's memory grows.
 */
function load(stores, sessions, ids) {
  let parsed = 0;
  for (let done = 0; done < ids.length; done += PART) {
    const texts = ids.slice(done, done + PART).map((id) => sessions.export(id));
    parsed += milliseconds(() => texts.map((text) => JSON.parse(text)));
    for (const store of stores) {
      store.took += milliseconds(() => {
        for (const text of texts) store.sessions.import(text);
      });
    }
  }
  return parsed;
}

/** Starts a session, which may be completed. */
function begin(sessions, index, isCompleted) {
  const { id } = sessions.start({ ...newSession(index), userId: userOf(index, users) });
  if (isCompleted) sessions.complete(id, "Fixed, with a test");
  return id;
}

/** The sessions as an array, in the order of their starts. */
function headsOf(sessions) {
  const heads = [];
  for (const head of sessions.list({ limit: 1000, direction: "asc" })) heads.push(head);
  return heads;
}

/** Loads heads into mirrors, in turns with `JSON.parse` of their JSON. */
async function loadMirrors(sessions, heads) {
  const pages = [];
  let cursor;
  do {
    const page = sessions.heads({ cursor, limit: 10_000 });
    pages.push(Buffer.from(page.bytes, "base64"));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const texts = [];
  for (let at = 0; at < heads.length; at += PART) {
    texts.push(JSON.stringify(heads.slice(at, at + PART)));
  }
  const parses = [];
  const loads = builds().map(([build, entry]) => ({ build, entry, took: [], withList: [] }));
  for (let round = 0; round < rounds; round += 1) {
    parses.push(milliseconds(() => texts.map((text) => JSON.parse(text))));
    for (const { entry, took, withList } of loads) {
      const mirror = await entry.openMirror();
      const loading = milliseconds(() => {
        for (const page of pages) mirror.load(page);
      });
      const reading = milliseconds(() => mirror.list({ text: "in no task" }));
      took.push(loading);
      withList.push(loading + reading);
      mirror.close();
    }
  }
  return {
    parsed: median(parses),
    loads: loads.map(({ build, took, withList }) => ({
      build,
      took: median(took),
      withList: median(withList),
    })),
    bytes: pages.reduce((sum, page) => sum + page.length, 0),
    characters: texts.reduce((sum, text) => sum + text.length, 0),
  };
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** A list over a store that has all heads in a map. */
function listing(entry, heads) {
  const store = new MapStore();
  const sessions = entry.openSync(store);
  const { id } = sessions.start(newSession(0));
  const { head } = store.sessions.get(id);
  for (let index = 0; index < heads.length; index += 1) {
    const own = `${id}-${index}`;
    store.sessions.set(own, { head: { ...head, id: own }, events: [] });
  }
  const took = milliseconds(() => sessions.list({ limit }));
  sessions.close();
  return took;
}

function milliseconds(act) {
  const started = performance.now();
  act();
  return performance.now() - started;
}

/** The page as a program would make it that has the sessions in an array. */
function page(heads, query) {
  const wanted = Object.entries(query);
  return heads
    .filter((head) => wanted.every(([name, value]) => head[name] === value))
    .sort((a, b) => compare(b.createdAt, a.createdAt) || compare(b.id, a.id))
    .slice(0, limit);
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function share(ratio) {
  return `1/${count(1 / ratio)}`;
}

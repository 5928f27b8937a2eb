// Appending an iteration with its data to sessions with a history. The cost must not grow with the
// history.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { LangGraph } from "../contenders/langgraph.mjs";
import * as openai from "../contenders/openai-agents.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { appending, growth } from "../lib/appending.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { checkMost, count } from "../lib/report.mjs";
import { fill, iterationData } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 26;

const histories = [10, 100, 1000, 10_000, 100_000];
/** Contenders that write the complete session each time take no part with longer histories. */
const longestRewritten = 10_000;
const columns = histories.map((history) => [`${count(history)} events`, history]);
/** The greatest ratio of the longest history to the shortest, and to the floor. */
const most = { growth: 1.2, ofFloor: 1.5 };
const base = "floor: better-sqlite3";

/** The number of sessions that appends go to in turn, in every column. */
const number = 4;

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const ids = workspace.databases(["floor", "reading", "feeding", "sync", "awaited"], fillAll);
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const feeding = workspace.closing(new Floor(at("feeding")));
    const reading = workspace.closing(new Floor(at("reading")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const memory = workspace.closing(copied(openSync("memory:"), sync, ids));
    const files = new JsonFiles(workspace.path("files"));
    const langgraph = workspace.closing(new LangGraph(at("langgraph")));

    const past = pastOf(sync, ids);
    const appendTo = (sessions) => (history) =>
      appending(history, ids.get(history), {
        append: (id) => sessions.incrementIteration(id, iterationData),
        cut: (id) => sessions.import(past.get(id)),
      });

    const rows = [
      calls(base, (history) =>
        appending(
          history,
          ids.get(history).map((id) => floor.row(id)),
          {
            append: (row) => floor.append(row, iterationData),
            cut: (row) => floor.cut(row, history),
          },
        ),
      ),
      calls("floor, reading the head first", (history) =>
        appending(history, ids.get(history), {
          append: (id) => reading.readAndAppend(id, iterationData),
          cut: (id) => reading.cut(reading.row(id), history),
        }),
      ),
      calls("floor, with the head and the feed", (history) =>
        appending(history, ids.get(history), {
          append: (id) => feeding.readAppendAndPublish(id, iterationData),
          cut: (id) => feeding.cut(feeding.row(id), history),
        }),
      ),
      calls("SQLite", appendTo(sync)),
      awaits("SQLite, awaited", appendTo(awaited)),
      calls("memory", appendTo(memory)),
    ];
    if (wasm !== undefined) {
      const inWasm = workspace.closing(copied(wasm.openSync("memory:"), sync, ids));
      rows.push(calls("memory, wasm", appendTo(inWasm)));
    }
    rows.push(
      awaits(
        "memory, OpenAI Agents",
        (history) => {
          const events = eventsOf(sync, ids.get(history)[0]);
          const each = ids.get(history).map(() => openai.memorySession(events));
          return appending(history, each, {
            append: (session) => openai.append(session, iterationData),
            cut: (session) => openai.cut(session, events),
          });
        },
        { wasteful: true },
      ),
      awaits(
        "SQLite, LangGraph",
        async (history) => {
          if (history > longestRewritten) return undefined;
          for (const id of ids.get(history)) await langgraph.put(whole(sync, id));
          return appending(history, ids.get(history), {
            append: (id) => langgraph.append(id, iterationData),
            cut: (id) => langgraph.put(JSON.parse(past.get(id))),
          });
        },
        { wasteful: true },
      ),
      calls(
        "a JSON file a session",
        (history) => {
          if (history > longestRewritten) return undefined;
          for (const id of ids.get(history)) files.put(whole(sync, id));
          return appending(history, ids.get(history), {
            append: (id) => files.append(id, iterationData),
            cut: (id) => files.put(JSON.parse(past.get(id))),
          });
        },
        { wasteful: true },
      ),
    );

    // Each commit over SQLite looks once at the folder of its files.
    const folder = dirname(at("sync"));
    rows.push(calls("one look at the folder", () => () => existsSync(folder)));

    const title = "Append one event to a session that has";
    const measured = await grid({ title, columns, rows, base, seconds });
    return {
      tables: [measured.table],
      notes: [
        "Beside each time: how many times as long as the floor took in the same rounds.",
        "The third floor bounds SQLite: Tenure reads the head in each append, as another process may have changed it, and writes the change into the feed, which is one more page in the log.",
      ],
      checks: rows
        .map(({ name }) => name)
        .filter((name) => name.startsWith("SQLite") || name.startsWith("memory"))
        .filter((name) => !isPeer(name))
        .flatMap((name) => [
          ...(name.startsWith("SQLite") ? [isNearTheFloor(measured, name)] : []),
          doesNotGrow(measured, name),
        ]),
      data: measured.data,
    };
  });
}

function isPeer(name) {
  return name.endsWith("LangGraph") || name.endsWith("OpenAI Agents");
}

function isNearTheFloor(measured, name) {
  const ratios = columns.map(([label]) => [
    label,
    measured.at(name, label).ratioTo(measured.at(base, label)),
  ]);
  return checkMost(`${name}: an append against the floor`, most.ofFloor, ratios);
}

function doesNotGrow(measured, name) {
  const [[shortest]] = columns;
  const [longest] = columns.at(-1);
  const ratio = measured.at(name, longest).ratioTo(measured.at(name, shortest));
  const what = `${name}: appending with ${longest} against ${shortest}`;
  return checkMost(what, most.growth, [[longest, ratio]]);
}

/** Creates the sessions of every length; the longest first, so that none of those is the newest. */
function fillAll(sessions) {
  let index = 0;
  const made = [...histories].reverse().map((history) => {
    const ids = Array.from({ length: number }, () => fill(sessions, index++, history));
    return [history, ids];
  });
  return new Map(made);
}

/** Copies all sessions from a store into an empty one, which takes less time than to fill it. */
function copied(into, from, ids) {
  for (const id of [...ids.values()].flat()) into.import(from.export(id));
  return into;
}

/** The initial state of the sessions that will be truncated, as JSON text. */
function pastOf(sessions, ids) {
  const short = [...ids].flatMap(([history, ids]) => (growth(history) < Infinity ? ids : []));
  return new Map(short.map((id) => [id, sessions.export(id)]));
}

function whole(sessions, id) {
  return sessions.get(id, { history: "all" });
}

function eventsOf(sessions, id) {
  return whole(sessions, id).history;
}

// Appending an iteration with its data to sessions with a history. The cost must not grow with the
// history.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { appending, growth } from "../lib/appending.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { check, count } from "../lib/report.mjs";
import { fill, iterationData } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 26;

const histories = [10, 100, 1000, 10_000];
const columns = histories.map((history) => [`${count(history)} events`, history]);
const most = 1.2;

/** The number of sessions that appends go to in turn, in every column. */
const number = 8;

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const ids = workspace.databases(["floor", "reading", "sync", "awaited"], fillAll);
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const reading = workspace.closing(new Floor(at("reading")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const memory = workspace.closing(openSync("memory:"));
    const memoryIds = fillAll(memory);
    const files = new JsonFiles(workspace.path("files"));

    const past = pastOf(sync, ids);
    const appendTo = (sessions, ids, past) => (history) =>
      appending(history, ids.get(history), {
        append: (id) => sessions.incrementIteration(id, iterationData),
        cut: (id) => sessions.import(past.get(id)),
      });

    const rows = [
      calls("floor: better-sqlite3", (history) =>
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
      calls("SQLite", appendTo(sync, ids, past)),
      awaits("SQLite, awaited", appendTo(awaited, ids, past)),
      calls("memory", appendTo(memory, memoryIds, pastOf(memory, memoryIds))),
    ];
    if (wasm !== undefined) {
      const wasmMemory = workspace.closing(wasm.openSync("memory:"));
      const wasmIds = fillAll(wasmMemory);
      rows.push(calls("memory, wasm", appendTo(wasmMemory, wasmIds, pastOf(wasmMemory, wasmIds))));
    }
    rows.push(
      calls(
        "a JSON file a session",
        (history) => {
          for (const id of ids.get(history)) files.put(sync.get(id, { history: "all" }));
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
    const measured = await grid({ title, columns, rows, base: "floor: better-sqlite3", seconds });
    return {
      tables: [measured.table],
      notes: ["Beside each time: how many times as long as the floor took in the same rounds."],
      checks: rows
        .map((row) => row.name)
        .filter((name) => name.startsWith("SQLite") || name.startsWith("memory"))
        .map((name) => doesNotGrow(measured, name)),
      data: measured.data,
    };
  });
}

function doesNotGrow(measured, name) {
  const [[shortest]] = columns;
  const [longest] = columns.at(-1);
  const ratio = measured.at(name, longest).ratioTo(measured.at(name, shortest));
  return check(
    `${name}: appending with ${longest} costs at most ${most} times what it costs with ${shortest}`,
    ratio <= most,
    ratio.toFixed(2),
  );
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

/** The initial state of the sessions that will be truncated, as JSON text. */
function pastOf(sessions, ids) {
  const short = [...ids].flatMap(([history, ids]) => (growth(history) < Infinity ? ids : []));
  return new Map(short.map((id) => [id, sessions.export(id)]));
}

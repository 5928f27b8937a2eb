// Starting sessions in a store with a few thousand sessions.

import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { checkMost } from "../lib/report.mjs";
import { fillMany, newSession } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 6;

const already = 2000;
const column = "a session";
const base = "floor: better-sqlite3";
/** The greatest ratio of a start to the floor. */
const most = 1.3;

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    workspace.databases(["floor", "sync", "awaited"], (sessions) => fillMany(sessions, already));
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const memory = workspace.closing(openSync("memory:"));
    const files = new JsonFiles(workspace.path("files"));

    const starting = (store) => () => {
      let index = 0;
      return () => store.start(newSession(index++));
    };
    const rows = [
      calls(base, starting(floor)),
      calls("SQLite", starting(sync)),
      awaits("SQLite, awaited", starting(awaited)),
      calls("memory", starting(memory)),
    ];
    if (wasm !== undefined) {
      rows.push(calls("memory, wasm", starting(workspace.closing(wasm.openSync("memory:")))));
    }
    rows.push(calls("a JSON file a session", starting(files), { wasteful: true }));
    const measured = await grid({
      title: "Start",
      columns: [[column]],
      rows,
      base,
      seconds,
    });
    return {
      tables: [measured.table],
      notes: [
        "The floor writes into the same tables with the same indexes and triggers. It writes no change for watchers.",
      ],
      checks: ["SQLite", "SQLite, awaited"].map((name) => {
        const ratio = measured.at(name, column).ratioTo(measured.at(base, column));
        return checkMost(`${name}: a start against the floor`, most, [[column, ratio]]);
      }),
      data: measured.data,
    };
  });
}

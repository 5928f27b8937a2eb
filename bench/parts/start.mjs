// Starting sessions in a store with a few thousand sessions.

import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { fillMany, newSession } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 6;

const already = 2000;

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
      calls("floor: better-sqlite3", starting(floor)),
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
      columns: [["a session"]],
      rows,
      base: "floor: better-sqlite3",
      seconds,
    });
    return {
      tables: [measured.table],
      data: measured.data,
    };
  });
}

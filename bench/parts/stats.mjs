// Statistics of all sessions, of one mode, of one user, and of both, over many sessions of many users.

import { Floor } from "../contenders/floor.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { count } from "../lib/report.mjs";
import { fillMany, newSession, userOf } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 8;

const userId = userOf(1);
const { mode } = newSession(1);
const columns = [
  ["all", {}],
  ["of a mode", { mode }],
  ["of a user", { userId }],
  ["of a user and a mode", { userId, mode }],
];

export function run({ seconds, quick, large }) {
  const first = 2000;
  const number = large ? 1_000_000 : quick ? 4000 : 100_000;
  const inMemory = Math.min(number, 100_000);
  return inWorkspace(async (workspace) => {
    workspace.databases(["many"], (sessions) => fillMany(sessions, first));
    const path = workspace.path("many.db");
    const floor = new Floor(path);
    floor.multiply(number / first);
    floor.close();
    const sync = workspace.closing(openSync(`sqlite:${path}`));
    const awaited = workspace.closing(await open(`sqlite:${path}`));
    const filled = (entry) => {
      const sessions = workspace.closing(entry.openSync("memory:"));
      for (let index = 0; index < inMemory; index += 1)
        sessions.start({ ...newSession(index), userId: userOf(index, inMemory / 100) });
      return sessions;
    };
    const asking = (sessions) => (filter) => () => sessions.stats(filter);
    const writing = (sessions) => {
      const { id } = sessions.start(newSession(0));
      return (filter) => () => {
        sessions.incrementIteration(id);
        return sessions.stats(filter);
      };
    };
    const memory = filled({ openSync });
    const rows = [
      calls("SQLite", asking(sync)),
      calls("SQLite, after an increment", writing(sync)),
      awaits("SQLite, awaited", asking(awaited)),
      calls(`memory, ${count(inMemory)} sessions`, asking(memory)),
      calls("memory, after an increment", writing(memory)),
    ];
    if (wasm !== undefined) rows.push(calls("memory, wasm", asking(filled(wasm))));
    const measured = await grid({
      title: `Statistics, over ${count(number)} sessions`,
      columns,
      rows,
      base: "SQLite",
      seconds,
    });
    return { tables: [measured.table], data: measured.data };
  });
}

// Statistics of all sessions, of one mode, of one user, and of both, over many sessions of many users.

import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { common, copyOfMany } from "../lib/many.mjs";
import { checkMost, count, time } from "../lib/report.mjs";
import { newSession, userOf } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 8;

const { userId, mode } = common;
const columns = [
  ["all", {}],
  ["of a mode", { mode }],
  ["of a user", { userId }],
  ["of a user and a mode", { userId, mode }],
];
/** The most that statistics may take, in nanoseconds, for each column. */
const most = {
  SQLite: [25e3, 25e3, 100e3, 100e3],
  memory: [100e3, 100e3, 100e3],
  "memory, wasm": [300e3, 300e3, 300e3],
};

export function run({ seconds, quick, large }) {
  const number = large ? 1_000_000 : quick ? 4000 : 100_000;
  const inMemory = Math.min(number, 100_000);
  return inWorkspace(async (workspace) => {
    const path = workspace.path("many.db");
    copyOfMany(number, path);
    const sync = workspace.closing(openSync(`sqlite:${path}`));
    const awaited = workspace.closing(await open(`sqlite:${path}`));
    const filled = (entry) => {
      const sessions = workspace.closing(entry.openSync("memory:"));
      for (let index = 0; index < inMemory; index += 1) {
        sessions.start({ ...newSession(index), userId: `${userOf(index, inMemory / 100)}-0` });
      }
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
      calls("JSON.parse of the result", (filter) => {
        const text = JSON.stringify(sync.stats(filter));
        return () => JSON.parse(text);
      }),
      calls("SQLite", asking(sync)),
      calls("SQLite, after an increment", writing(sync)),
      awaits("SQLite, awaited", asking(awaited)),
      calls("memory", asking(memory)),
      calls("memory, after an increment", writing(memory)),
    ];
    if (wasm !== undefined) rows.push(calls("memory, wasm", asking(filled(wasm))));
    const measured = await grid({
      title: `Statistics, over ${count(number)} sessions, in memory over ${count(inMemory)}`,
      columns,
      rows,
      base: "SQLite",
      seconds,
    });
    const checks = rows.flatMap(({ name }) =>
      (most[name] ?? []).map((limit, index) => {
        const [label] = columns[index];
        const what = `${name}: statistics, ${label}`;
        return checkMost(what, limit, [[label, measured.at(name, label).median]], time);
      }),
    );
    return { tables: [measured.table], checks, data: measured.data };
  });
}

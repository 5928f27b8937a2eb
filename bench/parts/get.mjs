// Reading a session: with the complete history, with the last ten events, and without events.

import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { bytes, count } from "../lib/report.mjs";
import { fill } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 12;

const histories = [10, 1000, 10_000];
const longest = histories.at(-1);
const columns = [
  ...histories.map((events) => [`all of ${count(events)}`, { events, history: "all" }]),
  [`last 10 of ${count(longest)}`, { events: longest, history: 10 }],
  [`head of ${count(longest)}`, { events: longest, history: "none" }],
];

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const fillAll = (sessions) =>
      new Map(histories.map((events, index) => [events, fill(sessions, index, events)]));
    const ids = workspace.databases(["floor", "sync", "awaited"], fillAll);
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const files = new JsonFiles(workspace.path("files"));
    for (const id of ids.values()) files.put(sync.get(id, { history: "all" }));

    const getting =
      (sessions, ids) =>
      ({ events, history }) => {
        const id = ids.get(events);
        return () => sessions.get(id, { history });
      };
    const inMemory = (entry) => {
      const sessions = workspace.closing(entry.openSync("memory:"));
      return getting(sessions, fillAll(sessions));
    };
    const textOf = ({ events, history }) => JSON.stringify(sync.get(ids.get(events), { history }));

    const rows = [
      calls("JSON.parse of the result", (what) => {
        const text = textOf(what);
        return () => JSON.parse(text);
      }),
      calls("floor: better-sqlite3", ({ events, history }) => {
        const id = ids.get(events);
        const last = history === "all" ? events : history === "none" ? 0 : history;
        return () => floor.get(id, last);
      }),
      calls("SQLite", getting(sync, ids)),
      awaits("SQLite, awaited", getting(awaited, ids)),
      calls("memory", inMemory({ openSync })),
    ];
    if (wasm !== undefined) rows.push(calls("memory, wasm", inMemory(wasm)));
    rows.push(
      calls(
        "a JSON file a session",
        ({ events }) => {
          const id = ids.get(events);
          return () => files.get(id);
        },
        { wasteful: true },
      ),
    );
    const sizes = columns.map(([label, what]) => `${label} ${bytes(textOf(what).length)}`);
    const measured = await grid({
      title: "Get a session",
      columns,
      rows,
      base: "JSON.parse of the result",
      seconds,
    });
    return {
      tables: [measured.table],
      notes: [`The result as JSON: ${sizes.join(", ")}.`],
      data: measured.data,
    };
  });
}

// A page of fifty sessions, and statistics, over a few thousand sessions.

import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { LangGraph } from "../contenders/langgraph.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { bytes, count } from "../lib/report.mjs";
import { fillMany, userOf } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 12;

const limit = 50;
const user = userOf(1);
const queries = {
  newest: { limit },
  ofUser: { limit, userId: user, status: "completed" },
};
const columns = [
  [`${limit} newest`, "newest"],
  [`${limit} of one user, completed`, "ofUser"],
  ["statistics", "stats"],
];

export function run({ seconds, quick }) {
  const number = quick ? 2000 : 5000;
  return inWorkspace(async (workspace) => {
    workspace.databases(["floor", "sync", "awaited"], (sessions) => fillMany(sessions, number));
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const files = new JsonFiles(workspace.path("files"));
    const langgraph = workspace.closing(new LangGraph(at("langgraph")));
    for (const { id } of sync.list({ limit: 200 })) {
      const session = sync.get(id, { history: "all" });
      files.put(session);
      await langgraph.put(session);
    }

    const asking = (sessions) => (what) =>
      what === "stats" ? () => sessions.stats() : () => sessions.list(queries[what]);
    const inMemory = (entry) => {
      const sessions = workspace.closing(entry.openSync("memory:"));
      fillMany(sessions, number);
      return asking(sessions);
    };
    const textOf = (what) => {
      if (what === "stats") return JSON.stringify(sync.stats());
      const { items, nextCursor, problems } = sync.list(queries[what]);
      return JSON.stringify({ items, nextCursor, problems });
    };
    const rows = [
      calls("JSON.parse of the result", (what) => {
        const text = textOf(what);
        return () => JSON.parse(text);
      }),
      calls("floor: better-sqlite3", (what) => {
        if (what === "stats") return () => floor.stats();
        if (what === "newest") return () => floor.list(limit);
        return () => floor.listOfUser(user, "completed", limit);
      }),
      calls("SQLite", asking(sync)),
      awaits("SQLite, awaited", asking(awaited)),
      calls("memory", inMemory({ openSync })),
    ];
    if (wasm !== undefined) rows.push(calls("memory, wasm", inMemory(wasm)));
    rows.push(
      awaits("SQLite, LangGraph", (what) => {
        if (what === "stats") return undefined;
        const { limit, ...filter } = queries[what];
        return () => langgraph.list(limit, filter);
      }),
      calls(
        "a JSON file a session",
        (what) => {
          if (what === "stats") return () => files.stats();
          if (what === "newest") return () => files.list(limit);
          return () =>
            files.list(limit, ({ userId, status }) => userId === user && status === "completed");
        },
        { wasteful: true },
      ),
    );
    const sizes = columns.map(([label, what]) => `${label} ${bytes(textOf(what).length)}`);
    const measured = await grid({
      title: `List and count, over ${count(number)} sessions`,
      columns,
      rows,
      base: "floor: better-sqlite3",
      seconds,
    });
    return {
      tables: [measured.table],
      notes: [`The result as JSON: ${sizes.join(", ")}.`],
      data: measured.data,
    };
  });
}

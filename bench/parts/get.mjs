// Reading a session: with the complete history, with the last ten events, and without events.

import { Floor } from "../contenders/floor.mjs";
import { JsonFiles } from "../contenders/json-files.mjs";
import { LangGraph } from "../contenders/langgraph.mjs";
import { memorySession } from "../contenders/openai-agents.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { bytes, checkMost, count } from "../lib/report.mjs";
import { fill } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 12;

const histories = [10, 1000, 10_000];
const longest = histories.at(-1);
const complete = histories.map((events) => [`all of ${count(events)}`, { events, history: "all" }]);
const partial = [
  [`last 10 of ${count(longest)}`, { events: longest, history: 10 }],
  [`head of ${count(longest)}`, { events: longest, history: "none" }],
];
const columns = [...complete, ...partial];
const base = "JSON.parse of the result";
const floorName = "floor: better-sqlite3";
/** The greatest ratio of a history to `JSON.parse`, and of a part of a session to the floor. */
const most = { complete: 1.5, partial: 1.5 };

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
    const langgraph = workspace.closing(new LangGraph(at("langgraph")));
    for (const id of ids.values()) {
      const session = sync.get(id, { history: "all" });
      files.put(session);
      await langgraph.put(session);
    }

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
      calls(base, (what) => {
        const text = textOf(what);
        return () => JSON.parse(text);
      }),
      calls(floorName, ({ events, history }) => {
        const id = ids.get(events);
        const last = history === "all" ? events : history === "none" ? 0 : history;
        return () => floor.get(id, last);
      }),
      calls("SQLite alone, without values", ({ events, history }) => {
        if (history !== "all") return undefined;
        const id = ids.get(events);
        return () => floor.visit(id, events);
      }),
      calls("SQLite", getting(sync, ids)),
      awaits("SQLite, awaited", getting(awaited, ids)),
      calls("memory", inMemory({ openSync })),
    ];
    if (wasm !== undefined) rows.push(calls("memory, wasm", inMemory(wasm)));
    rows.push(
      awaits(
        "memory, OpenAI Agents",
        ({ events, history }) => {
          if (history === "none") return undefined;
          const session = memorySession(sync.get(ids.get(events), { history: "all" }).history);
          return () => session.getItems(history === "all" ? undefined : history);
        },
        { wasteful: true },
      ),
      awaits(
        "SQLite, LangGraph",
        ({ events }) => {
          const id = ids.get(events);
          return () => langgraph.get(id);
        },
        { wasteful: true },
      ),
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
      base,
      seconds,
    });
    return {
      tables: [measured.table],
      notes: [
        `The result as JSON: ${sizes.join(", ")}.`,
        "A history is bounded by its rows, one for each event: what SQLite alone takes to read them, and JSON.parse of the result.",
      ],
      checks: [
        ...["SQLite", "SQLite, awaited"].flatMap((name) => [
          near(measured, name, base, complete.slice(1), most.complete),
          near(measured, name, floorName, partial, most.partial),
        ]),
      ],
      data: measured.data,
    };
  });
}

function near(measured, name, to, columns, most) {
  const ratios = columns.map(([label]) => [
    label,
    measured.at(name, label).ratioTo(measured.at(to, label)),
  ]);
  return checkMost(
    `${name}: ${columns.map(([label]) => label).join(", ")}, against ${to}`,
    most,
    ratios,
  );
}

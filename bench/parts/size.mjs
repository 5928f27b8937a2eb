// The bytes that an event takes in the files of a store, against its JSON text.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { LangGraph } from "../contenders/langgraph.mjs";
import { openSync } from "../contenders/tenure.mjs";
import { checkMost, count, table, times } from "../lib/report.mjs";
import { newSession } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 0;

/** The length of an event as JSON. */
const eventBytes = 200;
/** The greatest ratio of the bytes that an event takes to its JSON. */
const most = 1.6;
/** LangGraph saves all events with each one: more would fill the disk. */
const eventsOfLangGraph = 1000;

export function run({ quick }) {
  const number = quick ? 20_000 : 200_000;
  return inWorkspace(async (workspace) => {
    const data = { note: "x".repeat(eventBytes - emptyEvent(number).length) };
    const measured = [
      ["SQLite, one session", await sqlite(workspace, "one", { number, sessions: 1, data })],
      ["SQLite, 100 sessions", await sqlite(workspace, "hundred", { number, sessions: 100, data })],
      [
        "SQLite, 100 sessions, 1,000 changes",
        await sqlite(workspace, "brief", { number, sessions: 100, data, keepChanges: 1000 }),
      ],
      ["SQLite, LangGraph, one session", await langgraph(workspace, data)],
    ];
    const [, [, inMany]] = measured;
    return {
      tables: [
        table(
          `Bytes of an event of ${eventBytes} bytes, in the files of the store`,
          ["bytes", "of its JSON"],
          measured.map(([name, each]) => [name, each.toFixed(0), times(each / eventBytes)]),
        ),
      ],
      notes: [
        `${count(number)} events are appended one by one, to one session or to 100 in turn. The feed of changes is bounded: the third row keeps 1,000 changes where the others keep 100,000, and shows what the events take without it. LangGraph saves the complete state with each of ${count(eventsOfLangGraph)} events.`,
      ],
      checks: [
        checkMost("SQLite: the bytes of an event against its JSON", most, [
          ["one session", measured[0][1] / eventBytes],
          ["100 sessions", inMany / eventBytes],
        ]),
      ],
      data: measured.map(([name, each]) => ({ name, bytes: each })),
    };
  });
}

/** The shortest event as JSON, with a sequence number of the usual length. */
function emptyEvent(number) {
  const timestamp = new Date().toISOString();
  return JSON.stringify({ sequence: number / 2, timestamp, type: "note", data: { note: "" } });
}

async function sqlite(workspace, name, { number, sessions, data, keepChanges }) {
  const folder = workspace.path(name);
  const opened = () => openSync(`sqlite:${join(folder, "sessions.db")}`, { keepChanges });
  let handle = opened();
  const ids = Array.from({ length: sessions }, (_, index) => handle.start(newSession(index)).id);
  handle.close();
  const before = sizeOf(folder);
  handle = opened();
  for (let done = 0; done < number; done += 1) {
    handle.addEvent(ids[done % sessions], "note", data);
  }
  handle.close();
  return (sizeOf(folder) - before) / number;
}

async function langgraph(workspace, data) {
  const path = workspace.path("langgraph");
  const saver = new LangGraph(path);
  await saver.put({ ...newSession(0), id: "session", history: [] });
  for (let done = 0; done < eventsOfLangGraph; done += 1) await saver.append("session", data);
  saver.close();
  return statSync(path).size / eventsOfLangGraph;
}

/** The size of all files in a folder. */
function sizeOf(folder) {
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

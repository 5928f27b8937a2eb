// The memory of a process: for sessions in the memory store, and after many appends to a database.
// Each case runs in a separate process.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { wasm } from "../contenders/tenure.mjs";
import { bytes, checkMost, count, table } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 0;

/** The most that a session in memory may take beyond its text, in bytes. */
const most = 1024;

const child = fileURLToPath(new URL("../lib/memory-child.mjs", import.meta.url));

export function run({ quick }) {
  return inWorkspace(async (workspace) => {
    const scale = quick ? 10 : 1;
    const inMemory = 100_000 / scale;
    const sessions = 10_000 / scale;
    const appends = 100_000 / scale;
    const cases = [
      ["memory", "sessions", inMemory],
      ["memory", "minimal sessions", inMemory],
      ["memory", "appends", appends],
      ["SQLite", "sessions", sessions],
      ["SQLite", "appends", appends],
      ["SQLite, awaited", "appends", appends],
    ];
    if (wasm !== undefined) {
      cases.push(
        ["memory, wasm", "sessions", inMemory],
        ["memory, wasm", "minimal sessions", inMemory],
        ["memory, wasm", "appends", appends],
      );
    }
    cases.push(["memory, OpenAI Agents", "sessions", inMemory]);
    cases.push(["memory, OpenAI Agents", "appends", appends]);
    const data = [];
    for (const [store, what, number] of cases) {
      data.push({ store, what, number, ...(await measured(workspace, store, what, number)) });
    }
    return {
      tables: [
        table(
          "Memory of the process",
          ["before", "growth at a tenth", "growth in all", "for each", "its JSON"],
          data.map(({ store, what, number, before, atTenth, after, text }) => [
            `${store}: ${count(number)} ${what}`,
            bytes(before),
            bytes(atTenth - before),
            bytes(after - before),
            bytes((after - before) / number),
            text === undefined ? "" : bytes(text),
          ]),
        ),
      ],
      notes: [
        "Resident memory after a garbage collection. What grows no further leaks nothing. A minimal session shows what each takes however little is in it: the keys by which it is found and ordered, its place in the feed, and the rounding of the allocator.",
      ],
      checks: data.filter(isJudged).map(({ store, number, before, after, text }) => {
        const beyond = (after - before) / number - text;
        const what = `${store}: a session of ${count(number)} beyond its JSON`;
        return checkMost(what, most, [[store, beyond]], bytes);
      }),
      data,
    };
  });
}

async function measured(workspace, store, what, number) {
  const path = workspace.path(`${store}-${what}.db`);
  // A young generation of a fixed size does not grow with the sessions.
  const args = ["--max-semi-space-size=1", child, store, what, String(number), path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function isJudged({ store, what }) {
  return what === "sessions" && ["memory", "memory, wasm"].includes(store);
}

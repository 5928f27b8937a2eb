// The memory of a process: for sessions in the memory store, and after many appends to a database.
// Each case runs in a separate process.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { wasm } from "../contenders/tenure.mjs";
import { bytes, count, table } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 0;

const child = fileURLToPath(new URL("../lib/memory-child.mjs", import.meta.url));

export function run({ quick }) {
  return inWorkspace(async (workspace) => {
    const scale = quick ? 10 : 1;
    const sessions = 10_000 / scale;
    const appends = 100_000 / scale;
    const cases = [
      ["memory", "sessions", sessions],
      ["memory", "appends", appends],
      ["SQLite", "sessions", sessions],
      ["SQLite", "appends", appends],
      ["SQLite, awaited", "appends", appends],
    ];
    if (wasm !== undefined) {
      cases.push(["memory, wasm", "sessions", sessions], ["memory, wasm", "appends", appends]);
    }
    const data = [];
    for (const [store, what, number] of cases) {
      data.push({ store, what, number, ...(await measured(workspace, store, what, number)) });
    }
    return {
      tables: [
        table(
          "Memory of the process",
          ["before", "growth at a tenth", "growth in all", "for each"],
          data.map(({ store, what, number, before, atTenth, after }) => [
            `${store}: ${count(number)} ${what}`,
            bytes(before),
            bytes(atTenth - before),
            bytes(after - before),
            bytes((after - before) / number),
          ]),
        ),
      ],
      notes: ["Resident memory after a garbage collection. What grows no further leaks nothing."],
      data,
    };
  });
}

async function measured(workspace, store, what, number) {
  const path = workspace.path(`${store}-${what}.db`);
  const args = [child, store, what, String(number), path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

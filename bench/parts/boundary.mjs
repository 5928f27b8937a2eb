// The cost of crossing from JavaScript into Rust and back, over the memory store: a minimal result,
// a session of 2 KB, and a page of fifty; at the binding with the result as text or parsed, and
// through the API.

import { builds, openRaw } from "../contenders/tenure.mjs";
import { calls, grid } from "../lib/grid.mjs";
import { bytes } from "../lib/report.mjs";
import { fill, fillMany } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 10;

const base = "JSON.parse of the answer";
const columns = [
  ["info()", "info"],
  ["isResumable", "isResumable"],
  ["a session of 2 KB", "get"],
  ["a page of 50", "list"],
];

export function run({ seconds }) {
  return inWorkspace(async (workspace) => {
    const rows = [];
    let sizes;
    for (const [build, entry] of builds()) {
      const raw = workspace.closing(openRaw(build));
      const id = fillStore(raw);
      const params = {
        isResumable: { id },
        get: { id, history: 5 },
        list: { limit: 50 },
      };
      const cross = (what) => {
        if (what === "info") return raw.binding.info();
        return raw.binding.call(raw.handle, what, JSON.stringify(params[what]), Date.now());
      };
      if (sizes === undefined) {
        sizes = columns.map(([label, what]) => `${label} ${bytes(cross(what).length)}`);
        rows.push(
          calls(base, (what) => {
            const text = cross(what);
            return () => JSON.parse(text);
          }),
        );
      }
      const sessions = workspace.closing(entry.openSync("memory:"));
      const ownId = fillStore(sessions);
      rows.push(
        calls(`${build}: the call`, (what) => () => cross(what)),
        calls(`${build}: the call and JSON.parse`, (what) => () => JSON.parse(cross(what))),
        calls(`${build}: the package's method`, (what) => {
          if (what === "isResumable") return () => sessions.isResumable(ownId);
          if (what === "get") return () => sessions.get(ownId, { history: 5 });
          if (what === "list") return () => sessions.list({ limit: 50 });
          return undefined;
        }),
      );
    }
    const measured = await grid({ title: "The boundary", columns, rows, base, seconds });
    return {
      tables: [measured.table],
      notes: [`The answers: ${sizes.join(", ")}.`],
      data: measured.data,
    };
  });
}

function fillStore(sessions) {
  fillMany(sessions, 60);
  return fill(sessions, 60, 5);
}

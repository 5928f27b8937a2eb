// Appending thousands of events without a pause. Here the write-ahead log has to be checkpointed
// during the writes, which a short burst postpones.

import { Floor } from "../contenders/floor.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { count } from "../lib/report.mjs";
import { fill, iterationData } from "../lib/scenario.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 14;

const history = 100;
const columns = [1, 10, 100].map((number) => [`${number} in turn`, number]);

export function run({ seconds, quick }) {
  return inWorkspace(async (workspace) => {
    const [, most] = columns.at(-1);
    const ids = workspace.databases(["floor", "sync", "awaited"], (sessions) =>
      Array.from({ length: most }, (_, index) => fill(sessions, index, history)),
    );
    const at = (file) => workspace.path(`${file}.db`);
    const floor = workspace.closing(new Floor(at("floor")));
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));

    const batch = quick ? 1000 : 4000;
    // The checkpoint of the last writes of a row still runs when the next row starts.
    const options = { batch, wasteful: true };
    const turns = (items, number) => {
      let calls = 0;
      return () => items[calls++ % number];
    };
    const rowsOf = ids.map((id) => floor.row(id));
    const rows = [
      calls(
        "floor: better-sqlite3",
        (number) => {
          const next = turns(rowsOf, number);
          return () => floor.append(next(), iterationData);
        },
        options,
      ),
      calls(
        "SQLite",
        (number) => {
          const next = turns(ids, number);
          return () => sync.incrementIteration(next(), iterationData);
        },
        options,
      ),
      awaits(
        "SQLite, awaited",
        (number) => {
          const next = turns(ids, number);
          return () => awaited.incrementIteration(next(), iterationData);
        },
        options,
      ),
    ];
    const measured = await grid({
      title: `Append ${count(batch)} events without a pause, to so many sessions`,
      columns,
      rows,
      base: "floor: better-sqlite3",
      seconds,
    });
    return { tables: [measured.table], data: measured.data };
  });
}

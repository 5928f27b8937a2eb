// Cleaning up a thousand old sessions among many, in SQLite: into the trash, permanently, and out of the
// trash.

import { Floor } from "../contenders/floor.mjs";
import { open, openSync } from "../contenders/tenure.mjs";
import { awaits, calls, grid } from "../lib/grid.mjs";
import { copyOfMany } from "../lib/many.mjs";
import { checkMost, count, time } from "../lib/report.mjs";
import { inWorkspace } from "../lib/workspace.mjs";

export const seconds = 16;

const removed = 1000;
/** How much older the sessions are made that a cleanup removes, and the age from which it does. */
const olderMs = 40 * 86_400_000;
const maxAge = "30d";
/** The most that a cleanup may take, in nanoseconds. */
const most = 20e6;
const floorName = "floor: better-sqlite3";
const column = "into the trash";

const columns = [
  [column, cleaning],
  ["permanently", removing],
  ["out of the trash", purging],
];

export function run({ seconds, large }) {
  const number = large ? 1_000_000 : 100_000;
  return inWorkspace(async (workspace) => {
    const at = (name) => workspace.path(`${name}.db`);
    const aged = (name) => {
      copyOfMany(number, at(name));
      const floor = new Floor(at(name));
      return { floor, rows: floor.age(removed, olderMs) };
    };
    const { floor, rows } = aged("floor");
    workspace.closing(floor);
    for (const name of ["sync", "awaited"]) aged(name).floor.close();
    const sync = workspace.closing(openSync(`sqlite:${at("sync")}`));
    const awaited = workspace.closing(await open(`sqlite:${at("awaited")}`));
    const ids = rows.map(({ id }) => id);
    // The same sessions once more, which are removed and imported again.
    const others = ids.map((id) => ({ id: `${id}-other`, text: otherOf(sync, id) }));
    const once = { batch: 1 };
    const byFloor = () => {
      const act = () => floor.trash(rows);
      act.before = () => floor.restore(rows);
      return act;
    };
    const measured = await grid({
      title: `Clean up ${count(removed)} of ${count(number)} sessions`,
      columns,
      rows: [
        calls(floorName, (what) => (what === cleaning ? byFloor() : undefined), once),
        calls("SQLite", (what) => what(sync, ids, others), once),
        awaits("SQLite, awaited", (what) => what(awaited, ids, others), once),
      ],
      base: floorName,
      seconds,
    });
    return {
      tables: [measured.table],
      notes: [
        "The floor knows the sessions already, and writes of each the head, an entry of the audit log and two changes.",
      ],
      checks: ["SQLite", "SQLite, awaited"].map((name) =>
        checkMost(
          `${name}: a cleanup of ${count(removed)} of ${count(number)} sessions`,
          most,
          [[column, measured.at(name, column).median]],
          time,
        ),
      ),
      data: measured.data,
    };
  });
}

function cleaning(sessions, ids) {
  const act = () => checked(sessions.cleanup({ maxAge }));
  act.before = () => sessions.restoreMany(ids);
  return act;
}

function removing(sessions, _ids, others) {
  const act = () => checked(sessions.cleanup({ maxAge, permanent: true }));
  act.before = () => importAll(sessions, others);
  return act;
}

function purging(sessions, _ids, others) {
  const ids = others.map(({ id }) => id);
  const act = () => checked(sessions.purge({ olderThan: 0, ids }));
  act.before = async () => {
    await importAll(sessions, others);
    await sessions.trashMany(ids);
  };
  return act;
}

/** The result of a removal, or of a promise of it, if it has removed all. */
function checked(result) {
  if (result instanceof Promise) return result.then(checked);
  if (result.removed !== removed) throw new Error(`${result.removed} sessions were removed`);
  return result;
}

async function importAll(sessions, others) {
  await Promise.all(others.map(({ text }) => sessions.import(text)));
}

function otherOf(sessions, id) {
  return sessions.export(id).replaceAll(`"${id}"`, `"${id}-other"`);
}

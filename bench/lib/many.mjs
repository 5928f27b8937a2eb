// Databases with up to a million sessions. Tenure starts the first two thousand, with every property
// that a list filters by. SQL copies their rows, since a million starts would take minutes. A copy is
// older than its original, and has another id, user, task of a slot and parent. Several copies of one
// slot are not in the trash, which Tenure would not allow, and which lists do not mind.

import { constants, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openSync } from "../contenders/tenure.mjs";
import { randomNumbers } from "./random.mjs";
import { modes, newSession } from "./scenario.mjs";
import { target } from "./workspace.mjs";

const FIRST = 2000;
/** The difference in age between a copy and the next. */
const APART_MS = 60_000;
/** So many copies in a row have the same users, which gives them pages at every size. */
const COPIES_OF_USERS = 5;

const users = 10;
const agentPhases = ["investigating", "planning", "executing"];

/** What most filters look for; each has a page of sessions in a database of any size. */
export const common = {
  userId: "user-1-0",
  channelId: "channel-3",
  mode: "research",
  status: "completed",
  phase: "planning",
  taskIds: "task-1-0",
  slotPhase: "run",
  model: "large-2",
  parentId: "parent-0",
};
/** A user of the first sessions alone. */
export const rareUser = "user-1";
/** A mode and a status that many sessions have, and none has both. */
export const neverTogether = { mode: "assistant", status: "paused" };

const databases = new Map();
let folder;

/** Copies a database with this number of sessions to `path`. It is made once in a run. */
export function copyOfMany(number, path) {
  if (folder === undefined) {
    folder = mkdtempSync(join(target(), "bench-many-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  }
  if (!databases.has(number)) {
    const made = join(folder, `${number}.db`);
    const sessions = openSync(`sqlite:${made}`);
    fillVaried(sessions, FIRST);
    sessions.close();
    multiply(made, number / FIRST);
    databases.set(number, made);
  }
  copyFileSync(databases.get(number), path, constants.COPYFILE_FICLONE);
}

/** Starts sessions whose properties are independent of each other. */
function fillVaried(sessions, count) {
  const random = randomNumbers(1);
  const oneOf = (values) => values[Math.floor(random() * values.length)];
  const parent = sessions.start({ ...newSession(0), id: "parent" });
  for (let index = 1; index < count; index += 1) {
    const plain = newSession(index);
    const model = oneOf(["large-2", "small-1"]);
    const session = {
      ...plain,
      userId: `user-${Math.floor(random() * users)}`,
      channelId: `channel-${Math.floor(random() * 7)}`,
      mode: oneOf(modes),
      metadata: { ...plain.metadata, model },
    };
    const kind = random();
    const isInTrash = random() < 0.04;
    if (kind < 0.15) {
      const { id } = sessions.agents.create({ agentName: "reviewer", purpose: session.task });
      sessions.agents.update(id, { phase: oneOf(agentPhases) });
      continue;
    }
    let id;
    if (kind < 0.35) {
      const phase = oneOf(["plan", "run", "verify", "debug"]);
      const started = sessions.startInSlot({ ...session, taskId: `task-${index}`, phase, model });
      id = started.session.id;
    } else if (kind < 0.43) id = sessions.fork(parent.id).id;
    else id = sessions.start(session).id;
    finish(sessions, id, session.mode, random());
    if (isInTrash) sessions.trash(id);
  }
}

function finish(sessions, id, mode, share) {
  if (share < 0.6) sessions.complete(id, "Fixed, with a test");
  else if (share < 0.7) sessions.fail(id, "The build server did not answer");
  else if (share < 0.8 && mode !== neverTogether.mode) sessions.pause(id, "Waiting for an answer");
}

/** Copies the sessions without their histories until there are `times` as many. */
function multiply(path, times) {
  const db = new Database(path);
  for (const [name, value] of [
    ["journal_mode", "OFF"],
    ["synchronous", "OFF"],
    ["cache_size", -1_000_000],
    ["temp_store", "MEMORY"],
  ]) {
    db.pragma(`${name} = ${value}`);
  }
  const row = `(n / ${COPIES_OF_USERS} % 40)`;
  const copied = {
    id: "id || '-' || n",
    user_id: `user_id || '-' || ${row}`,
    parent_id: `parent_id || '-' || ${row}`,
    task_id: `CASE WHEN task_id NOT NULL THEN 'task-' || (key % 2) || '-' || ${row} END`,
    created_at: `created_at - n * ${APART_MS}`,
    updated_at: `updated_at - n * ${APART_MS}`,
  };
  const columns = db
    .pragma("table_info(sessions)")
    .map(({ name }) => name)
    .filter((name) => name !== "key");
  // An index over all rows is made faster than it grows.
  const indexes = db
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'sessions' AND sql NOT NULL",
    )
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  db.exec(
    `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ${times - 1})
     INSERT INTO sessions (${columns}) SELECT ${columns.map((name) => copied[name] ?? name)}
     FROM n CROSS JOIN sessions WHERE key <= (SELECT max(key) FROM sessions)`,
  );
  for (const { sql } of indexes) db.exec(sql);
  db.pragma("journal_mode = WAL");
  db.close();
}

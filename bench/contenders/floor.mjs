// The floor: better-sqlite3 on a copy of a database that Tenure has created, so with the same
// tables and indexes, performing the minimal work of an operation. It checks nothing: no limits, no
// states, no versions, no ids from the caller.

import Database from "better-sqlite3";
import { headOf, rowOf } from "../lib/floor-row.mjs";

/** A database in the same mode as Tenure's. */
export class Floor {
  #db;
  #select;
  #selectByKey;
  #selectEvents;
  #visitEvents;
  /** An empty row. */
  #empty;
  #begin;
  #commit;
  #update;
  #insertEvent;
  #insertSession;
  #list;
  #listOfUser;
  #listOfText;
  #tally;
  #inSlot;
  #leave;
  #record;
  #trash;
  #restore;
  #change;

  constructor(path, { durability = "normal" } = {}) {
    const db = new Database(path);
    this.#db = db;
    db.pragma("journal_mode = WAL");
    db.pragma(`synchronous = ${durability}`);
    db.pragma("cache_size = -8000");
    db.pragma("temp_store = MEMORY");
    const columns = db
      .pragma("table_info(sessions)")
      .map(({ name }) => name)
      .filter((name) => name !== "key");
    this.#empty = Object.fromEntries(columns.map((name) => [name, null]));
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#select = db.prepare("SELECT * FROM sessions WHERE id = ?");
    this.#selectByKey = db.prepare("SELECT * FROM sessions WHERE key = ?");
    this.#selectEvents = db
      .prepare(
        "SELECT key, timestamp, type, data FROM events WHERE key BETWEEN ? AND ? ORDER BY key",
      )
      .raw();
    this.#visitEvents = db.prepare(
      "SELECT sum(timestamp + length(type) + length(data)) FROM events WHERE key BETWEEN ? AND ?",
    );
    this.#update = db.prepare(
      `UPDATE sessions SET version = ?, updated_at = ?, iterations = ?, max_iterations = ?,
       event_count = ?, prompt_tokens = ?, completion_tokens = ?, cost_nanos = ?, paused_at = ?,
       finalized_at = ?, workspace = ?, task = ?, result = ?, error = ?, metadata = ?, context = ?
       WHERE key = ?`,
    );
    this.#insertEvent = db.prepare(
      "INSERT INTO events (key, timestamp, type, data) VALUES (?, ?, ?, ?)",
    );
    this.#insertSession = db.prepare(
      `INSERT INTO sessions (${columns.join(", ")}) VALUES (${columns.map((name) => `@${name}`).join(", ")})`,
    );
    this.#list = db.prepare(
      "SELECT * FROM sessions WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT ?",
    );
    this.#listOfUser = db.prepare(
      `SELECT * FROM sessions WHERE user_id = ? AND status = ? AND deleted_at IS NULL
       ORDER BY created_at DESC, id DESC LIMIT ?`,
    );
    this.#listOfText = db.prepare(
      `SELECT * FROM sessions WHERE task LIKE '%' || ? || '%' AND deleted_at IS NULL
       ORDER BY created_at DESC, id DESC LIMIT ?`,
    );
    this.#tally = db
      .prepare(
        `SELECT status, mode, user_id, count(*), sum(iterations), sum(prompt_tokens),
         sum(completion_tokens), sum(cost_nanos) FROM sessions WHERE deleted_at IS NULL
         GROUP BY status, mode, user_id`,
      )
      .raw();
    this.#inSlot = db.prepare(
      `SELECT * FROM sessions INDEXED BY sessions_by_task
       WHERE task_id = ? AND slot_phase = ? AND deleted_at IS NULL
       ORDER BY created_at DESC, id DESC LIMIT 1`,
    );
    this.#leave = db.prepare(
      `UPDATE sessions SET status = 'abandoned', version = ?, updated_at = ?, event_count = ?,
       deleted_at = ? WHERE key = ?`,
    );
    this.#record = db.prepare(
      "INSERT OR REPLACE INTO records (kind, key, version, body) VALUES (?, ?, ?, ?)",
    );
    this.#trash = db.prepare(
      "UPDATE sessions SET version = ?, updated_at = ?, deleted_at = ? WHERE key = ?",
    );
    this.#restore = db.prepare("UPDATE sessions SET deleted_at = NULL WHERE key = ?");
    this.#change = db.prepare(
      "INSERT INTO changes (kind, key, first_event, last_event) VALUES (?, ?, ?, ?)",
    );
  }

  /** Puts sessions whose rows the caller has into the trash, with an audit entry and changes, at once. */
  trash(rows) {
    this.#begin.run();
    const now = Date.now();
    const time = new Date(now).toISOString();
    for (const { key, id, version } of rows) {
      this.#trash.run(version + 1, now, now, key);
      const entry = JSON.stringify({ kind: "session.trash", time, subject: id, by: "cleanup" });
      this.#record.run("audit", `${time}/${id}`, 1, entry);
      this.#change.run("trashed", id, null, null);
      this.#change.run("audit", `${time}/${id}`, null, null);
    }
    this.#commit.run();
  }

  restore(rows) {
    this.#begin.run();
    for (const { key } of rows) this.#restore.run(key);
    this.#commit.run();
  }

  /** Makes this number of completed sessions older, and returns their rows. */
  age(number, milliseconds) {
    const rows = this.#db
      .prepare(
        "SELECT * FROM sessions WHERE status = 'completed' AND deleted_at IS NULL ORDER BY key LIMIT ?",
      )
      .all(number);
    const age = this.#db.prepare("UPDATE sessions SET created_at = created_at - ? WHERE key = ?");
    this.#begin.run();
    for (const { key } of rows) age.run(milliseconds, key);
    this.#commit.run();
    return rows;
  }

  /** The row of a session, for a caller that knows it already. */
  row(id) {
    return this.#select.get(id);
  }

  start(session) {
    this.#begin.run();
    this.#start(session, {});
    this.#commit.run();
  }

  /** The session in a slot. */
  inSlot({ taskId, phase }) {
    const row = this.#inSlot.get(taskId, phase);
    return row === undefined ? null : headOf(row);
  }

  /** Starts a session in a slot, and moves the occupant to the trash. */
  replace({ taskId, phase, model, ...session }) {
    this.#begin.run();
    const now = Date.now();
    const old = this.#inSlot.get(taskId, phase);
    if (old !== undefined) {
      this.#leave.run(old.version + 1, now, old.event_count + 1, now, old.key);
      const reason = JSON.stringify({ reason: "replaced" });
      const key = eventKey(old.key, old.event_count + 1);
      this.#insertEvent.run(key, now, "abandoned", reason);
    }
    const id = this.#start(session, { task_id: taskId, slot_phase: phase, model });
    this.#record.run("slot", `${taskId}/${phase}`, 1, id);
    const entry = JSON.stringify({ kind: "slot.replacement", subject: old?.id, by: id });
    this.#record.run("audit", `${new Date(now).toISOString()}/${id}`, 1, entry);
    this.#commit.run();
    return id;
  }

  #start(session, slot) {
    const now = Date.now();
    const row = rowOf(session, now);
    const { lastInsertRowid } = this.#insertSession.run({ ...this.#empty, ...slot, ...row });
    const { mode, task, workspace } = session;
    const data = JSON.stringify({ task, mode, workspace });
    this.#insertEvent.run(eventKey(Number(lastInsertRowid), 1), now, "start", data);
    return row.id;
  }

  /** Writes an iteration to a session whose row the caller has and keeps up to date. */
  append(row, data) {
    this.#begin.run();
    this.#write(row, data);
    this.#commit.run();
  }

  /** The same by a caller that does not know the row. */
  readAndAppend(id, data) {
    this.#begin.run();
    this.#write(this.#select.get(id), data);
    this.#commit.run();
  }

  /** The same with the change for those who watch: all that Tenure reads and writes. */
  readAppendAndPublish(id, data) {
    this.#begin.run();
    const row = this.#select.get(id);
    this.#write(row, data);
    this.#change.run("updated", id, row.event_count, row.event_count);
    this.#commit.run();
  }

  /** Writes an iteration to each session, all in one transaction. */
  appendTogether(rows, data) {
    this.#begin.run();
    for (const row of rows) this.#write(row, data);
    this.#commit.run();
  }

  /** Removes the events after the first `history` from a session. */
  cut(row, history) {
    row.event_count = history;
    this.#db.prepare("UPDATE sessions SET event_count = ? WHERE key = ?").run(history, row.key);
    this.#db
      .prepare("DELETE FROM events WHERE key BETWEEN ? AND ?")
      .run(eventKey(row.key, history + 1), eventKey(row.key + 1, 0));
  }

  #write(row, data) {
    const now = Date.now();
    row.version += 1;
    row.iterations += 1;
    row.event_count += 1;
    row.updated_at = now;
    this.#update.run(
      row.version,
      row.updated_at,
      row.iterations,
      row.max_iterations,
      row.event_count,
      row.prompt_tokens,
      row.completion_tokens,
      row.cost_nanos,
      row.paused_at,
      row.finalized_at,
      row.workspace,
      row.task,
      row.result,
      row.error,
      row.metadata,
      row.context,
      row.key,
    );
    const text = JSON.stringify(data);
    this.#insertEvent.run(eventKey(row.key, row.event_count), now, "iteration", text);
  }

  /** A session with its last `events` events. */
  get(id, events) {
    const row = this.#select.get(id);
    const last = eventKey(row.key, row.event_count);
    const first = eventKey(row.key, Math.max(1, row.event_count - events + 1));
    const history = events === 0 ? [] : this.#selectEvents.all(first, last).map(eventOf);
    return { history, ...headOf(row) };
  }

  /** Reads the last `events` events of a session within SQLite, and makes no JavaScript values of them. */
  visit(id, events) {
    const { key, event_count } = this.#select.get(id);
    return this.#visitEvents.get(
      eventKey(key, event_count - events + 1),
      eventKey(key, event_count),
    );
  }

  list(limit) {
    return { items: this.#list.all(limit).map(headOf) };
  }

  listOfUser(user, status, limit) {
    return { items: this.#listOfUser.all(user, status, limit).map(headOf) };
  }

  listOfText(text, limit) {
    return { items: this.#listOfText.all(text, limit).map(headOf) };
  }

  stats() {
    const stats = { total: 0, byStatus: {}, byMode: {}, byUser: {}, iterations: 0, tokens: 0 };
    for (const [status, mode, user, count, iterations, prompt, completion] of this.#tally.all()) {
      stats.total += count;
      stats.byStatus[status] = (stats.byStatus[status] ?? 0) + count;
      stats.byMode[mode] = (stats.byMode[mode] ?? 0) + count;
      stats.byUser[user] = (stats.byUser[user] ?? 0) + prompt + completion;
      stats.iterations += iterations;
      stats.tokens += prompt + completion;
    }
    return stats;
  }

  /** The sessions with these keys, for a caller that knows which ones the page has. */
  page(keys) {
    return { items: keys.map((key) => headOf(this.#selectByKey.get(key))) };
  }

  /** The keys of the sessions with these ids. */
  keysOf(ids) {
    return ids.map((id) => this.#select.get(id).key);
  }

  close() {
    this.#db.close();
  }
}

/** The version of SQLite in better-sqlite3. */
export function sqliteVersion() {
  const db = new Database(":memory:");
  const version = db.prepare("SELECT sqlite_version()").pluck().get();
  db.close();
  return version;
}

/** The session's key above 32 bits of the event's number. */
function eventKey(session, sequence) {
  return session * 2 ** 32 + sequence;
}

function eventOf([key, timestamp, type, data]) {
  return {
    sequence: key % 2 ** 32,
    timestamp: new Date(timestamp).toISOString(),
    type,
    data: JSON.parse(data),
  };
}

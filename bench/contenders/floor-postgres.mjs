// The floor in PostgreSQL: `pg`, the client that most programs in Node use, over the tables that Tenure has created,
// so with the same columns and indexes. It reads and writes what Tenure does, by prepared statements and in as few round
// trips, on one connection. It decides nothing.

import pg from "pg";
import { headOf, rowOf } from "../lib/floor-row.mjs";

export class FloorPostgres {
  #client;
  #columns;
  #schema;
  #statements;

  constructor(client, schema, columns) {
    this.#client = client;
    this.#schema = schema;
    this.#columns = columns;
    this.#statements = statementsOf(schema, columns);
  }

  /** Connects to a schema in which Tenure has created its tables. */
  static async open(url, schema) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(
      `SELECT column_name FROM information_schema.columns
       WHERE table_schema = $1 AND table_name = 'sessions' AND is_generated = 'NEVER'
       ORDER BY ordinal_position`,
      [schema],
    );
    return new FloorPostgres(
      client,
      schema,
      rows.map(({ column_name }) => column_name),
    );
  }

  /** The shortest exchange with the server. */
  roundTrip() {
    return this.#query("roundTrip");
  }

  /** The row of a session. Numbers are numbers. */
  async row(id) {
    const [row] = await this.#query("head", id);
    return numbered(row);
  }

  /** Writes an iteration to a session whose row the caller has and keeps up to date: one round trip. */
  async append(row, data) {
    const before = row.version;
    row.version += 1;
    row.iterations += 1;
    row.event_count += 1;
    row.updated_at = Date.now();
    const [{ written }] = await this.#query(
      "append",
      ...this.#columns.map((column) => row[column]),
      before,
      JSON.stringify(data),
      token(),
    );
    if (Number(written) !== 1) throw new Error(`${row.id} has another version`);
  }

  /** The same by a caller that does not know the row, as every writer is that others may precede. */
  async readAndAppend(id, data) {
    await this.append(await this.row(id), data);
  }

  /** Removes the events after the first `history` from a session. */
  async cut(row, history) {
    row.event_count = history;
    const { id } = row;
    const of = `"${this.#schema}"`;
    await this.#client.query(`UPDATE ${of}.sessions SET event_count = $1 WHERE id = $2`, [
      history,
      id,
    ]);
    await this.#client.query(`DELETE FROM ${of}.events WHERE session_id = $1 AND sequence > $2`, [
      id,
      history,
    ]);
  }

  async start(session) {
    const now = Date.now();
    const row = rowOf(session, now);
    const { mode, task, workspace } = session;
    await this.#query(
      "start",
      ...this.#columns.map((column) => row[column] ?? null),
      JSON.stringify({ task, mode, workspace }),
      token(),
    );
    return row.id;
  }

  /** A session with its last `events` events, in one round trip. */
  async get(id, events) {
    if (events === 0) return headOf(numbered((await this.#query("head", id))[0]));
    const rows = await this.#query("history", id, events);
    const history = rows.map(({ sequence, timestamp, type, data }) => ({
      sequence: Number(sequence),
      timestamp: new Date(Number(timestamp)).toISOString(),
      type,
      data: JSON.parse(data),
    }));
    return { history, ...headOf(numbered(rows[0])) };
  }

  async list(limit) {
    return { items: (await this.#query("list", limit)).map(numbered).map(headOf) };
  }

  async listOfUser(user, status, limit) {
    const rows = await this.#query("listOfUser", user.slice(0, 128), user, status, limit);
    return { items: rows.map(numbered).map(headOf) };
  }

  /** The session in a slot: its claim, and then the session that it names. */
  async inSlot({ taskId, phase }) {
    const [claim] = await this.#query("claim", `${taskId}/${phase}`);
    return claim === undefined ? undefined : this.row(claim.body);
  }

  /** Starts a session in a slot, and moves the occupant to the trash. */
  async replace({ taskId, phase, model, ...session }) {
    const now = Date.now();
    const key = `${taskId}/${phase}`;
    const old = await this.inSlot({ taskId, phase });
    const row = { ...rowOf(session, now), task_id: taskId, slot_phase: phase, model };
    const time = new Date(now).toISOString();
    const entry = JSON.stringify({ kind: "slot.replacement", time, subject: old?.id, by: row.id });
    await this.#query(
      "replace",
      ...this.#columns.map((column) => row[column] ?? null),
      JSON.stringify({ task: session.task, mode: session.mode }),
      key,
      old?.id ?? "",
      old?.version ?? 0,
      `${time}/${row.id}`,
      entry,
      token(),
    );
    return row.id;
  }

  close() {
    return this.#client.end();
  }

  async #query(name, ...values) {
    const { rows } = await this.#client.query({ name, text: this.#statements[name], values });
    return rows;
  }
}

function statementsOf(schema, columns) {
  const table = (name) => `"${schema}".${name}`;
  const mark = (number) => `$${number}`;
  const marks = columns.map((_, index) => mark(index + 1));
  const assigned = columns
    .map((column, index) => `${column} = ${marks[index]}`)
    .slice(1)
    .join(", ");
  const at = (column) => marks[columns.indexOf(column)];
  /** The parameter so many places behind those of the columns. */
  const after = (place) => mark(columns.length + place);
  const insert = `INSERT INTO ${table("sessions")} (${columns.join(", ")}) VALUES (${marks.join(", ")})`;
  const fed = (kind, first, last) =>
    `INSERT INTO ${table("changes")} (kind, key, first_event, last_event, ends_history)
     SELECT '${kind}', ${at("id")}, ${first}::BIGINT, ${last}::BIGINT, false FROM written`;
  const marked = (place) =>
    `INSERT INTO ${table("commits")} (token) SELECT ${after(place)}::BIGINT FROM written`;
  const event = (type, sequence, place) =>
    `INSERT INTO ${table("events")} (session_id, sequence, timestamp, type, data)
     SELECT ${at("id")}, ${sequence}::BIGINT, ${at("updated_at")}::BIGINT, '${type}', ${after(place)}
     FROM written`;
  const head = `SELECT * FROM ${table("sessions")}`;
  return {
    roundTrip: "SELECT 1",
    head: `${head} WHERE id = $1`,
    append: `WITH written AS (UPDATE ${table("sessions")} SET ${assigned}
       WHERE id = ${at("id")} AND version = ${after(1)} RETURNING id),
     added AS (${event("iteration", at("event_count"), 2)}),
     fed AS (${fed("updated", at("event_count"), at("event_count"))}),
     marked AS (${marked(3)})
     SELECT count(*) AS written FROM written`,
    start: `WITH written AS (${insert} RETURNING id),
     added AS (${event("start", "1", 1)}),
     fed AS (${fed("created", "1", "1")}),
     marked AS (${marked(2)})
     SELECT count(*) AS written FROM written`,
    history: `SELECT s.*, e.sequence, e.timestamp, e.type, e.data FROM ${table("sessions")} AS s
     JOIN ${table("events")} AS e ON e.session_id = s.id AND e.sequence > s.event_count - $2
     WHERE s.id = $1 ORDER BY e.sequence`,
    list: `${head} WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1`,
    listOfUser: `${head} WHERE left(user_id, 128) = $1 AND user_id = $2 AND status = $3
     AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $4`,
    claim: `SELECT body FROM ${table("records")} WHERE kind = 'slot' AND key = $1`,
    replace: `WITH written AS (${insert} RETURNING id),
     added AS (${event("start", "1", 1)}),
     superseded AS (UPDATE ${table("sessions")} SET status = 'abandoned', version = version + 1,
       event_count = event_count + 1, deleted_at = ${at("updated_at")}::BIGINT
       WHERE id = ${after(3)} AND version = ${after(4)}::BIGINT RETURNING id, event_count),
     ended AS (INSERT INTO ${table("events")} (session_id, sequence, timestamp, type, data)
       SELECT id, event_count, ${at("updated_at")}::BIGINT, 'abandoned', '{"reason":"replaced"}'
       FROM superseded),
     claimed AS (INSERT INTO ${table("records")} AS r (kind, key, version, body)
       SELECT 'slot', ${after(2)}, 1, id FROM written
       ON CONFLICT (kind, key) DO UPDATE SET version = r.version + 1, body = excluded.body),
     entered AS (INSERT INTO ${table("records")} (kind, key, version, body)
       SELECT 'audit', ${after(5)}, 1, ${after(6)} FROM written),
     fed AS (INSERT INTO ${table("changes")} (kind, key, first_event, last_event, ends_history)
       SELECT 'created', id, 1::BIGINT, 1::BIGINT, false FROM written
       UNION ALL SELECT 'trashed', id, event_count, event_count, false FROM superseded
       UNION ALL SELECT 'audit', ${after(5)}, NULL, NULL, false FROM written),
     marked AS (${marked(7)})
     SELECT count(*) AS written FROM written`,
  };
}

/** A token as that of a commit. */
function token() {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

/** `pg` reads a BIGINT as a text. */
function numbered(row) {
  for (const name of counts) row[name] = Number(row[name]);
  return row;
}

const counts = [
  "version",
  "created_at",
  "updated_at",
  "iterations",
  "max_iterations",
  "event_count",
];

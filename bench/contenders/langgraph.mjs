// LangGraph's savers of checkpoints, in SQLite and in PostgreSQL. A session is a thread, and its state is the head and all
// events. Each step saves a checkpoint with the complete state, and the older checkpoints stay. The
// caller has the state in memory, as a running graph does, so that an append reads nothing. The savers
// check no version, no status and no limit, and have no index beside their primary keys.

import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";

/** Sessions in any saver. */
class Threads {
  #saver;
  #threads = new Map();

  constructor(saver) {
    this.#saver = saver;
  }

  start({ task, mode, ...rest }) {
    const now = new Date().toISOString();
    const id = `session_${Date.now().toString(36)}_${Math.random().toString(36).slice(2)}`;
    const history = [{ timestamp: now, type: "start", data: { task, mode } }];
    return this.put({ id, task, mode, ...rest, status: "active", createdAt: now, history });
  }

  /** Saves a session that another store has created as the first checkpoint of its thread. */
  async put({ id, history, ...head }) {
    await this.#saver.deleteThread(id);
    this.#threads.set(id, {
      step: 0,
      config: { configurable: { thread_id: id, checkpoint_ns: "" } },
      state: { head: { ...head, iterations: 0 }, history: [...history] },
    });
    await this.#save(id);
  }

  async append(id, data) {
    const { state } = this.#threads.get(id);
    state.head.iterations += 1;
    state.head.updatedAt = new Date().toISOString();
    state.history.push({ timestamp: state.head.updatedAt, type: "iteration", data });
    await this.#save(id);
  }

  async get(id) {
    const config = { configurable: { thread_id: id, checkpoint_ns: "" } };
    const { checkpoint } = await this.#saver.getTuple(config);
    return checkpoint.channel_values;
  }

  /** The newest checkpoints whose metadata match. With one checkpoint a thread these are the sessions. */
  async list(limit, filter) {
    const items = [];
    for await (const { checkpoint } of this.#saver.list({}, { limit, filter })) {
      items.push(checkpoint.channel_values);
    }
    return items;
  }

  async #save(id) {
    const thread = this.#threads.get(id);
    const { userId, status, mode } = thread.state.head;
    const versions = { head: thread.step + 1, history: thread.step + 1 };
    const checkpoint = {
      ...emptyCheckpoint(),
      id: uuid6(thread.step),
      channel_values: thread.state,
      channel_versions: versions,
    };
    const metadata = { source: "loop", step: thread.step, parents: {}, userId, status, mode };
    thread.config = await this.#saver.put(thread.config, checkpoint, metadata, versions);
    thread.step += 1;
  }
}

export class LangGraph extends Threads {
  #db;

  constructor(path) {
    const saver = SqliteSaver.fromConnString(path);
    saver.setup();
    super(saver);
    this.#db = saver.db;
  }

  close() {
    this.#db.close();
  }
}

export class LangGraphPostgres extends Threads {
  #saver;

  constructor(saver) {
    super(saver);
    this.#saver = saver;
  }

  /** Opens a saver in a schema of its own, which is created with its tables. It has a pool of ten connections. */
  static async open(url, schema) {
    const saver = PostgresSaver.fromConnString(url, { schema });
    await saver.setup();
    return new LangGraphPostgres(saver);
  }

  close() {
    return this.#saver.end();
  }
}

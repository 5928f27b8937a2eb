// The approach of many bots: each session in one JSON file, which is read and written completely.
// It is as fast as possible: nothing is checked, and concurrent processes overwrite each other. A
// process that is killed while it writes loses the session, unless the store is `synced`: then it
// writes a temporary file, waits for the disk and renames it, with indented text, and so gives a
// single writer the guarantees of Tenure's file store.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export class JsonFiles {
  #folder;
  #synced;

  constructor(folder, { synced = false } = {}) {
    this.#folder = folder;
    this.#synced = synced;
    mkdirSync(folder, { recursive: true });
  }

  start({ task, mode, ...rest }) {
    const now = new Date().toISOString();
    const session = {
      id: `session_${Date.now().toString(36)}_${Math.random().toString(36).slice(2)}`,
      task,
      mode,
      ...rest,
      status: "active",
      createdAt: now,
      updatedAt: now,
      iterations: 0,
      history: [{ timestamp: now, type: "start", data: { task, mode } }],
    };
    mkdirSync(join(this.#folder, session.id));
    this.#write(session);
    return session;
  }

  /** Stores a session that another store has created. */
  put(session) {
    mkdirSync(join(this.#folder, session.id), { recursive: true });
    this.#write(session);
  }

  append(id, data) {
    const session = this.get(id);
    session.iterations += 1;
    session.updatedAt = new Date().toISOString();
    session.history.push({ timestamp: session.updatedAt, type: "iteration", data });
    this.#write(session);
  }

  get(id) {
    return JSON.parse(readFileSync(this.#path(id), "utf8"));
  }

  /** The newest matching sessions. */
  list(limit, isMeant = () => true) {
    return this.#all()
      .filter(isMeant)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
      .slice(0, limit);
  }

  stats() {
    const stats = { total: 0, byStatus: {}, byMode: {}, iterations: 0 };
    for (const { status, mode, iterations } of this.#all()) {
      stats.total += 1;
      stats.byStatus[status] = (stats.byStatus[status] ?? 0) + 1;
      stats.byMode[mode] = (stats.byMode[mode] ?? 0) + 1;
      stats.iterations += iterations;
    }
    return stats;
  }

  #all() {
    return readdirSync(this.#folder).map((id) => this.get(id));
  }

  #write(session) {
    const path = this.#path(session.id);
    if (!this.#synced) return writeFileSync(path, JSON.stringify(session));
    const file = openSync(`${path}.new`, "w");
    writeFileSync(file, JSON.stringify(session, null, 2));
    fsyncSync(file);
    closeSync(file);
    renameSync(`${path}.new`, path);
  }

  #path(id) {
    return join(this.#folder, id, "session.json");
  }
}

// Users of servers that share a database: each looks into a slot, starts a session there in place of
// the one that is there, works with it, asks the server for nothing, and thinks between any two of
// these. The servers are processes of their own, and what is timed is what a user sees: from the request
// to the answer.

import { fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { slotAt } from "./scenario.mjs";

const program = fileURLToPath(new URL("./slot-server.mjs", import.meta.url));

/** What is not compiled yet is nobody's time. */
const WARM_UP_MS = 1000;

/** A server, seen from a user. */
export class Server {
  #process;
  #waiting = new Map();
  #last = 0;

  constructor(kind, path) {
    this.#process = fork(program, [kind, path]);
    this.#process.on("message", ({ number, answer, took, error }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) resolve({ answer, took });
      else reject(new Error(error));
    });
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Gone());
      this.#waiting.clear();
    });
  }

  /** Resolves when it is ready. */
  ready() {
    return this.#answer(0);
  }

  /** Resolves to the answer, and to how many milliseconds it took in the server. */
  ask(what, about = {}) {
    this.#last += 1;
    if (!this.#process.connected) return Promise.reject(new Gone());
    this.#process.send({ number: this.#last, what, ...about });
    return this.#answer(this.#last);
  }

  async kill() {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  #answer(number) {
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }
}

/** What becomes of a request to a server that was killed. */
export class Gone extends Error {}

/** Calls `body` with so many servers on one database, and ends them. */
export async function withServers(kind, path, number, body) {
  const servers = Array.from({ length: number }, () => new Server(kind, path));
  try {
    await Promise.all(servers.map((server) => server.ready()));
    return await body(servers);
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/**
 * Has so many users of so many slots busy for some seconds, each with one of the servers. They think for
 * `think` milliseconds on average before each request. Resolves to how long each request took, by what
 * was asked, how much of that it took in the server, and what the servers used.
 */
export async function load(servers, { users, slots, seconds, think, locking }) {
  const random = randomNumbers(users);
  const warm = performance.now() + WARM_UP_MS;
  const end = warm + seconds * 1000;
  const kinds = ["nothing", "look", "replace", "work"];
  const [took, inServer] = [0, 0].map(() => Object.fromEntries(kinds.map((kind) => [kind, []])));
  const timed = async (server, what, about) => {
    const started = performance.now();
    const { answer, took: ofServer } = await server.ask(what, about);
    const ended = performance.now();
    if (started >= warm && ended <= end) {
      took[what].push(ended - started);
      inServer[what].push(ofServer);
    }
    return answer;
  };
  /** Whether somebody who has thought still has time for a request. */
  const hasThought = async () => {
    const left = end - performance.now();
    if (think > 0) await sleep(Math.min(-Math.log(1 - random()) * think, left));
    return performance.now() < end;
  };
  const user = async (index) => {
    const server = servers[index % servers.length];
    // Those who came at the same moment would stay together.
    if (think > 0) await sleep(random() * think);
    for (let turn = 0; ; turn += 1) {
      // One in ten is about a slot that many want.
      const slot = Math.floor(random() < 0.1 ? random() * 20 : random() * slots);
      if (!(await hasThought())) return;
      const session = await timed(server, "look", slotAt(slot));
      if (!(await hasThought())) return;
      await timed(server, "replace", { slot, model: `model-${index}-${turn}`, locking });
      if (!(await hasThought())) return;
      await timed(server, "work", { id: session.id });
      if (!(await hasThought())) return;
      await timed(server, "nothing");
    }
  };
  const all = Promise.all(Array.from({ length: users }, (_, index) => user(index)));
  await sleep(warm - performance.now());
  const before = await used(servers);
  await sleep(end - performance.now());
  const after = await used(servers);
  await all;
  return { took, inServer, seconds, ...usage(before, after, seconds) };
}

/** Has so many users ask the same at the same moment, and resolves to how long each waited. */
export async function atOnce(servers, { users, what, about }) {
  const took = [];
  const user = async (index) => {
    const started = performance.now();
    await servers[index % servers.length].ask(what, about(index));
    took.push(performance.now() - started);
  };
  await Promise.all(Array.from({ length: users }, (_, index) => user(index)));
  return took;
}

/** What servers have used so far. */
function used(servers) {
  return Promise.all(servers.map(async (server) => (await server.ask("usage")).answer));
}

/** The share of the machine's processors, and the most memory that was held. */
function usage(before, after, seconds) {
  const sum = (usages, member) => usages.reduce((all, usage) => all + usage[member], 0);
  const worked = sum(after, "cpu") - sum(before, "cpu");
  return { cpu: worked / (seconds * 1000 * cpus().length), memory: sum(after, "memory") };
}

/** Numbers from 0 to 1 that are the same in every run. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

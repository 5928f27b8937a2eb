// Users of servers that share a database: each looks up a slot, replaces its session, appends to
// the new one, sends an empty request, and thinks between any two of these; users of a database server also start
// sessions in free slots and read them. The servers are separate processes, and the durations are those that a user
// sees: from the request to the response.

import { fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { randomNumbers } from "./random.mjs";
import { bytes, count, percent, table } from "./report.mjs";
import { slotAt } from "./scenario.mjs";

const program = fileURLToPath(new URL("./slot-server.mjs", import.meta.url));

/** The warm-up, which is not measured. */
export const WARM_UP_MS = 1000;

/** A server, from a user's perspective. */
export class Server {
  #process;
  #waiting = new Map();
  #last = 0;

  constructor(kind, path) {
    this.#process = fork(program, [kind, path]);
    this.#process.on("message", ({ number, answer, took, error, code }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) resolve({ answer, took });
      else reject(Object.assign(new Error(error), { code }));
    });
    this.#process.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new ServerKilled());
      this.#waiting.clear();
    });
  }

  /** Resolves when it is ready. */
  ready() {
    return this.#answer(0);
  }

  /** Resolves to the response, and to its duration in the server in milliseconds. */
  ask(what, about = {}) {
    this.#last += 1;
    if (!this.#process.connected) return Promise.reject(new ServerKilled());
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

/** The error of a request to a killed server. */
export class ServerKilled extends Error {}

/** Calls `body` with servers on one database, and stops them afterwards. */
export async function withServers(kind, path, number, body) {
  const servers = Array.from({ length: number }, () => new Server(kind, path));
  try {
    await Promise.all(servers.map((server) => server.ready()));
    return await body(servers);
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** The requests of a user in turn. */
const requests = ["look", "replace", "work", "nothing"];
/** With sessions in free slots and histories, too. */
export const allRequests = ["look", "create", "replace", "work", "read", "nothing"];

/**
 * Simulates users of slots for some seconds, each with one of the servers. They think for `think`
 * milliseconds on average before each request. Resolves to the durations of the requests by kind,
 * their durations in the server, and the resources that the servers used. `observe` is called with each duration, and
 * `answered` with each answer, also of the warm-up.
 */
export async function load(
  servers,
  {
    users,
    slots,
    seconds,
    think,
    locking,
    kinds = requests,
    observe = (_what, _took) => {},
    answered = (_what, _answer) => {},
  },
) {
  const random = randomNumbers(users);
  /** What the free slots of this load have in their names, so that no other load has filled them. */
  const started = Math.random().toString(36).slice(2);
  const warm = performance.now() + WARM_UP_MS;
  const end = warm + seconds * 1000;
  const [took, inServer] = [0, 0].map(() => Object.fromEntries(kinds.map((kind) => [kind, []])));
  const timed = async (server, what, about) => {
    const started = performance.now();
    const { answer, took: ofServer } = await server.ask(what, about);
    const ended = performance.now();
    answered(what, answer);
    if (started >= warm && ended <= end) {
      took[what].push(ended - started);
      inServer[what].push(ofServer);
      observe(what, ended - started);
    }
    return answer;
  };
  /** Whether a user still has time for a request after thinking. */
  const hasThought = async () => {
    const left = end - performance.now();
    if (think > 0) await sleep(Math.min(-Math.log(1 - random()) * think, left));
    return performance.now() < end;
  };
  const user = async (index) => {
    const server = servers[index % servers.length];
    // Users that start at the same moment would stay synchronised.
    if (think > 0) await sleep(random() * think);
    for (let turn = 0; ; turn += 1) {
      // One in ten requests is for a contended slot.
      const slot = Math.floor(random() < 0.1 ? random() * 20 : random() * slots);
      let session;
      for (const what of kinds) {
        if (!(await hasThought())) return;
        const about = {
          look: () => slotAt(slot),
          create: () => ({ task: `free-${started}-${index}-${turn}` }),
          replace: () => ({ slot, model: `model-${index}-${turn}`, locking }),
          work: () => ({ id: session.id }),
          read: () => ({ id: session.id }),
          nothing: () => ({}),
        };
        const answer = await timed(server, what, about[what]());
        // The new session, unless the slot was busy.
        if (what === "look" || (what === "replace" && answer.id)) session = answer;
      }
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

/** Sends the same request from all users at the same moment, and resolves to the durations. */
export async function concurrently(servers, { users, what, about }) {
  const took = [];
  const user = async (index) => {
    const started = performance.now();
    await servers[index % servers.length].ask(what, about(index));
    took.push(performance.now() - started);
  };
  await Promise.all(Array.from({ length: users }, (_, index) => user(index)));
  return took;
}

/** The resources that servers have used so far. */
function used(servers) {
  return Promise.all(servers.map(async (server) => (await server.ask("usage")).answer));
}

/** The share of the machine's CPUs, and the peak memory. */
function usage(before, after, seconds) {
  const sum = (usages, name) => usages.reduce((all, usage) => all + usage[name], 0);
  const worked = sum(after, "cpu") - sum(before, "cpu");
  return { cpu: worked / (seconds * 1000 * cpus().length), memory: sum(after, "memory") };
}

/** What the servers of loads have used. */
export function usageTable(title, loads) {
  return table(
    title,
    ["requests a second", "of the machine's processors", "memory, at most", "purged"],
    loads.map(({ name, took, seconds, cpu, memory, purged }) => [
      name,
      count(Object.values(took).flat().length / seconds),
      percent(cpu),
      bytes(memory),
      purged === undefined ? "" : count(purged),
    ]),
  );
}

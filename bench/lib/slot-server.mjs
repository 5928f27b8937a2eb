// Run by `users.mjs` in a separate process: a server whose users look up slots, start sessions in
// them and append to these, over one database, which it may share with other servers.

import { setTimeout as sleep } from "node:timers/promises";
import { open } from "../contenders/tenure.mjs";
import { slotSession } from "./scenario.mjs";

const [kind, path] = process.argv.slice(2);
const kinds = { tenure: () => tenure(`sqlite:${path}`), postgres: () => tenure(path), floor };
const store = await kinds[kind]();
let sweeping = false;

async function tenure(url) {
  const sessions = await open(url);
  return {
    start: (session) => sessions.start(session),
    create: async ({ task }) => {
      const session = { ...slotSession(0, "large-2"), taskId: task };
      return (await sessions.startInSlot(session)).outcome;
    },
    read: async ({ id }) => (await sessions.get(id, { history: 20 }))?.version,
    /** Appends a number once, however often this is asked. */
    append: async ({ id, n }) => {
      const options = { idempotencyKey: String(n) };
      return (await sessions.addEvent(id, "note", { n }, options)).firstSequence;
    },
    look: async ({ taskId, phase }) => (await sessions.latestSession(taskId, phase))?.session,
    replace: async ({ slot, model, locking }) => {
      const options = { onModelChange: "replace", locking };
      const { outcome, session } = await sessions.startInSlot(slotSession(slot, model), options);
      return { outcome, id: session?.id };
    },
    work: async ({ id }) => {
      try {
        await sessions.addEvent(id, "note", { step: "run the tests of the package again" });
        return "noted";
      } catch (error) {
        // Another user has replaced it in the meantime, and it may be purged.
        if (["SESSION_DELETED", "SESSION_NOT_FOUND"].includes(error.code)) return error.code;
        throw error;
      }
    },
    purge: async (which) => (await sessions.purge(which)).removed,
  };
}

async function floor() {
  // Loaded here, since only the benchmark has the driver that it needs.
  const { Floor } = await import("../contenders/floor.mjs");
  const sessions = new Floor(path);
  return {
    look: (slot) => sessions.inSlot(slot),
    replace: ({ slot, model }) => ({ id: sessions.replace(slotSession(slot, model)) }),
    work: ({ id }) => sessions.readAndAppend(id, { step: "run the tests of the package again" }),
  };
}

const answers = {
  ...store,
  nothing: () => "",
  /** The resources that the process has used since the last call. */
  usage: () => {
    const { user, system } = process.cpuUsage();
    return { cpu: (user + system) / 1000, memory: process.resourceUsage().maxRSS * 1024 };
  },
  /** Purges the trash repeatedly until it is stopped. */
  sweep: async ({ every, ...which }) => {
    sweeping = true;
    let removed = 0;
    while (sweeping) {
      removed += await store.purge(which);
      await sleep(every);
    }
    return removed;
  },
  stop: () => {
    sweeping = false;
  },
};

process.on("message", async ({ number, what, ...about }) => {
  const started = performance.now();
  try {
    const answer = await answers[what](about);
    process.send({ number, answer, took: performance.now() - started });
  } catch (error) {
    const { code, message } = error;
    process.send({ number, code, error: `${code}: ${message}` });
  }
});
process.on("disconnect", () => process.exit());
process.send({ number: 0 });

// A process that starts a run, or a session in a slot, on request of its parent. It then works
// continuously, so that it is killed during a call.

import { open, openSync } from "tenure";
import { contend, report } from "./contending.mjs";

const [url, mode] = process.argv.slice(2);
const sessions = mode === "sync" ? openSync(url) : await open(url);
/** The number of steps of the work. */
const STEPS = 300;
/** The subject of the current work. */
let at;
let working;

contend({
  async admit({ run }) {
    const decision = await sessions.dedup.admit(run);
    const { key, skip } = decision;
    if (!skip) {
      const audit = { ...run, key, executed: true };
      const enter = (step) => sessions.dedup.audit({ ...audit, jobStatus: `step ${step}` });
      working = work(run.runId, enter);
    }
    return decision;
  },
  async start({ slot, onModelChange, pessimistic }) {
    sessions.pessimisticLockingEnabled = pessimistic;
    const { outcome, session, replaced } = await sessions.startInSlot(slot, { onModelChange });
    if (session?.id === slot.id) {
      working = work(slot.id, (step) => sessions.addEvent(slot.id, "note", { step }));
    }
    return { outcome, id: session?.id, replaced: replaced?.id };
  },
  async stop() {
    at = undefined;
    await working;
    return {};
  },
});

/** Performs steps until it is stopped or a step fails. */
async function work(of, take) {
  at = of;
  for (let step = 1; step <= STEPS; step += 1) {
    await new Promise(setImmediate);
    if (at !== of) return;
    try {
      await take(step);
    } catch ({ code, message }) {
      report(of, { end: code ?? message });
      return;
    }
    report(of, { step });
  }
}

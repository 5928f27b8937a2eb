/**
 * Questions to the core about what would happen to a session. They are answered by a copy of the session in an
 * empty store in memory, so that no rule is written here a second time.
 *
 * @module
 */

import { type JsonObject, openSync, type SessionHead, type SessionsSync } from "tenure";
import { leaseOf } from "./holder.js";

/** The names of the actions. */
export type ActionName =
  | "pause"
  | "resume"
  | "approve"
  | "deny"
  | "complete"
  | "fail"
  | "abandon"
  | "fork"
  | "trash"
  | "restore";

const TRIALS: Readonly<Record<ActionName, (trial: SessionsSync, id: string) => unknown>> = {
  approve: (trial, id) => trial.agents.approve(id),
  deny: (trial, id) => trial.agents.deny(id),
  // Iterations can be added to what is resumed, and not to what runs.
  resume: (trial, id) => trial.resume(id, { ifActive: "keep", addIterations: 1 }),
  pause: (trial, id) => trial.pause(id),
  complete: (trial, id) => trial.complete(id),
  fail: (trial, id) => trial.fail(id, "failed"),
  abandon: (trial, id) => trial.abandon(id),
  fork: (trial, id) => trial.fork(id),
  trash: (trial, id) => trial.trash(id),
  restore: (trial, id) => trial.restore(id),
};

/**
 * The actions that the core accepts for a session as it is, or while this holder holds it. One that would change
 * nothing, such as denying what is denied, is none.
 */
export function legalActions(head: SessionHead, holder?: string): readonly ActionName[] {
  const names = Object.keys(TRIALS) as ActionName[];
  return names.filter((name) =>
    inTrial(head, (trial) => {
      if (holder !== undefined) trial.leases.acquire(leaseOf(head.id), { holder });
      const version = (): number | undefined => trial.get(head.id)?.version;
      const before = version();
      try {
        TRIALS[name](trial, head.id);
        // A fork is another session.
        return name === "fork" || version() !== before;
      } catch {
        return false;
      }
    }),
  );
}

/** The context of an exported session as it was after an event. */
export function contextAfter(exported: string, sequence: number): JsonObject {
  const { id } = JSON.parse(exported) as { readonly id: string };
  return withStore((trial) => {
    trial.import(exported);
    return trial.fork(id, { atSequence: sequence }).context;
  });
}

function inTrial<T>(head: SessionHead, use: (trial: SessionsSync) => T): T {
  const { modelMissing, message: _, ...session } = head;
  return withStore((trial) => {
    trial.import({ ...session, history: [] });
    if (modelMissing === true) trial.setModels([]);
    return use(trial);
  });
}

function withStore<T>(use: (trial: SessionsSync) => T): T {
  const trial = openSync("memory:");
  try {
    return use(trial);
  } finally {
    trial.close();
  }
}

/**
 * Bulk operations, each with a message that takes it back.
 *
 * @module
 */

import type { BulkResult } from "tenure";
import { counted } from "../format.js";
import { say, sayError } from "../parts/toast.js";
import { opened } from "../store.js";

/** The maximum number of sessions in one call. */
const PER_CALL = 1000;

/** Moves sessions to the trash. */
export const trashAll = (ids: readonly string[]): Promise<void> =>
  perform(ids, {
    run: (part) => opened().sessions.trashMany(part),
    done: (number) => `${number} moved to the trash`,
    undo: restoreAll,
  });

/** Restores sessions from the trash. */
export const restoreAll = (ids: readonly string[]): Promise<void> =>
  perform(ids, {
    run: (part) => opened().sessions.restoreMany(part),
    done: (number) => `${number} restored`,
    undo: trashAll,
  });

/** Deletes sessions permanently. */
export const deleteAll = (ids: readonly string[]): Promise<void> =>
  perform(ids, {
    run: (part) => opened().sessions.deleteMany(part),
    done: (number) => `${number} deleted`,
  });

interface Bulk {
  readonly run: (ids: readonly string[]) => Promise<BulkResult>;
  readonly done: (number: string) => string;
  readonly undo?: (ids: readonly string[]) => Promise<void>;
}

async function perform(ids: readonly string[], { run, done, undo }: Bulk): Promise<void> {
  const changed: string[] = [];
  try {
    for (let at = 0; at < ids.length; at += PER_CALL) {
      const result = await run(ids.slice(at, at + PER_CALL));
      changed.push(...result.done);
      const [refusal] = result.refused;
      if (refusal !== undefined) {
        const others = result.refused.length - 1;
        sayError(
          new Error(
            `${refusal.id}: ${refusal.message}${others > 0 ? `, and ${counted(others, "other session")}` : ""}`,
          ),
        );
      }
    }
  } catch (error) {
    sayError(error);
  }
  if (changed.length === 0) return;
  const text = done(counted(changed.length, "session"));
  say(text, undo && { label: "Undo", run: () => void undo(changed) });
}

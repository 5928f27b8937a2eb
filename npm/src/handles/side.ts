/**
 * One side of a copy or an import: an open handle, or a target that is opened for the duration of
 * the job.
 *
 * @module
 */

import type { Mode } from "../connection/call.js";
import type { Target } from "../stores/target.js";
import { Handle } from "./handle.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";

/** The source or target of a copy: a URL, a store of your own, or an open handle. */
export type CopyTarget = Target | Sessions | SessionsSync;

/** One side of a copy or an import. */
export interface Side {
  /** The handle. */
  readonly handle: Handle<Mode>;
  /** Closes the handle if it was opened for the job. */
  readonly close: () => Promise<void>;
}

/** Opens a side, unless it is an open handle. */
export async function sideOf(
  open: (target: Target) => Promise<Sessions>,
  of: CopyTarget,
): Promise<Side> {
  if (of instanceof Handle) return { handle: of, close: async () => {} };
  const handle = await open(of);
  return { handle, close: () => handle.close() };
}

/** Whether two sides are known to be the same store. */
export function isSame(one: CopyTarget, other: CopyTarget): boolean {
  const store = storeOf(one);
  // Each `memory:` is a separate store.
  return store !== "memory:" && store === storeOf(other);
}

function storeOf(side: CopyTarget): unknown {
  const store = side instanceof Handle ? side.target : side;
  if (side instanceof Handle && store === "memory:") return side;
  const url = store instanceof URL ? store.href : store;
  return typeof url === "string" ? url.replace(/^(\w+:)(\.\/)+/, "$1") : url;
}

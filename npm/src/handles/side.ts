/**
 * One side of a copy or an import: a handle that is open, or a target that is opened for as long as
 * it takes.
 *
 * @module
 */

import type { Mode } from "../connection/call.js";
import type { Target } from "../stores/target.js";
import { Handle } from "./handle.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";

/** What can be copied from and to: a URL, a store of your own, or a handle that is open. */
export type CopyTarget = Target | Sessions | SessionsSync;

/** A handle to work with. */
export interface Side {
  /** The handle. */
  readonly handle: Handle<Mode>;
  /** Closes what was opened for this, and only that. */
  readonly close: () => Promise<void>;
}

/** The handle of a side. */
export async function sideOf(
  open: (target: Target) => Promise<Sessions>,
  of: CopyTarget,
): Promise<Side> {
  if (of instanceof Handle) return { handle: of, close: async () => {} };
  const handle = await open(of);
  return { handle, close: () => handle.close() };
}

/** Whether two sides can be told to be the same store. */
export function isSame(one: CopyTarget, other: CopyTarget): boolean {
  const place = placeOf(one);
  // Each `memory:` is a store of its own.
  return place !== "memory:" && place === placeOf(other);
}

function placeOf(side: CopyTarget): unknown {
  const place = side instanceof Handle ? side.place : side;
  if (side instanceof Handle && place === "memory:") return side;
  const url = place instanceof URL ? place.href : place;
  return typeof url === "string" ? url.replace(/^(\w+:)(\.\/)+/, "$1") : url;
}

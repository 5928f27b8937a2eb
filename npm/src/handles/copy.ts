/**
 * The function `copy`: opens both sides, runs the copy, and closes the sides that it opened.
 *
 * @module
 */

import { type CopyOptions, type CopyResult, copySessions } from "../jobs/copy.js";
import type { Target } from "../stores/target.js";
import { aborted, invalidArgument } from "../values/error.js";
import type { Sessions } from "./sessions.js";
import { type CopyTarget, isSame, sideOf } from "./side.js";

/** Copies all sessions of one store into another. */
export type Copy = (from: CopyTarget, to: CopyTarget, options?: CopyOptions) => Promise<CopyResult>;

/** Returns `copy` for an entry point; `open` opens targets that are not open. */
export function copyWith(open: (target: Target) => Promise<Sessions>): Copy {
  return async (from, to, options = {}) => {
    if (typeof options !== "object" || options === null) {
      throw invalidArgument("options", "expected an object");
    }
    if (isSame(from, to)) {
      throw invalidArgument("to", "expected another store than the one that is copied from");
    }
    if (options.signal?.aborted) throw aborted(options.signal.reason);
    const source = await sideOf(open, from);
    try {
      const target = await sideOf(open, to);
      try {
        return await copySessions(source.handle, target.handle, options);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  };
}

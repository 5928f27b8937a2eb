/**
 * The function `copy`: runs the copy, and closes the sides that it opened.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { CopyResult } from "../generated.js";
import { type CopyOptions, type CopySide, copySessions } from "../jobs/copy.js";
import type { Target } from "../stores/target.js";
import { exactlyAsync } from "../values/arguments.js";
import { aborted, invalidArgument } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import type { Sessions } from "./sessions.js";
import { type CopyTarget, Side } from "./side.js";

/** Copies all sessions of one store into another. */
export type Copy = (from: CopyTarget, to: CopyTarget, options?: CopyOptions) => Promise<CopyResult>;

/** Returns `copy` for an entry point; `open` opens targets that are not open. */
export function copyWith(
  binding: () => Promise<Binding>,
  open: (target: Target) => Promise<Sessions>,
): Copy {
  return exactlyAsync("copy", 3, async (from, to, options = {}) => {
    checkOptions(options, {
      overwrite: "boolean",
      verify: "boolean",
      onProgress: "function",
      signal: "signal",
    });
    if (from === undefined) throw invalidArgument("from", "expected a store");
    if (to === undefined) throw invalidArgument("to", "expected a store");
    if (options.signal?.aborted) throw aborted(options.signal.reason);
    const [source, target] = [new Side(open, from), new Side(open, to)];
    const sides: Record<"source" | "target", CopySide> = { source, target };
    try {
      return await copySessions(await binding(), sides, options);
    } finally {
      try {
        await target.close();
      } finally {
        await source.close();
      }
    }
  });
}

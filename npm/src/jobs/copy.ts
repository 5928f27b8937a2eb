/**
 * The job that copies sessions from one store to another, as callers start it. The core decides what
 * is copied, what exists already and what differs.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { OperationName, Params, Performer } from "../connection/call.js";
import type { CopyProgress, CopyResult } from "../generated.js";
import { aborted } from "../values/error.js";
import { runJob, type Side } from "./job.js";

/** Options of a copy. */
export interface CopyOptions {
  /** Replace sessions that are newer or different in the target. */
  readonly overwrite?: boolean | undefined;
  /** Compare all data at the end; `true` by default. */
  readonly verify?: boolean | undefined;
  /**
   * Called with the progress after each step. What it throws, or a promise of it rejects with, ends
   * the copy. A promise is not waited for.
   */
  readonly onProgress?: ((progress: CopyProgress) => unknown) | undefined;
  /** Aborts the copy, which then rejects with `ABORTED`. Started again, it continues from there. */
  readonly signal?: AbortSignal | undefined;
}

/** A store of a copy. */
export interface CopySide {
  /** Its URL, if it was given as one. */
  readonly url: string | undefined;
  /** Opens it. */
  open(): Promise<Performer & { readonly identity: string }>;
}

/** Copies all sessions of `source` into `target`. */
export function copySessions(
  binding: Binding,
  sides: Readonly<Record<Side, CopySide>>,
  options: CopyOptions,
): Promise<CopyResult> {
  const { overwrite, verify, onProgress, signal } = options;
  const opened: Partial<Record<Side, Performer>> = {};
  const { source, target } = sides;
  const params = { from: source.url, to: target.url, overwrite, verify, progress: !!onProgress };
  return runJob(binding, "copy", params, {
    async open(side: Side) {
      const handle = await sides[side].open();
      opened[side] = handle;
      return handle.identity;
    },
    async run<N extends OperationName>(side: Side, name: N, params: Params<N>) {
      // Yields to the event loop: over synchronous stores nothing else would run until the end.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (signal?.aborted) throw aborted(signal.reason);
      return opened[side]?.perform(name, params);
    },
    progress: (progress) => onProgress?.(progress as CopyProgress),
  });
}

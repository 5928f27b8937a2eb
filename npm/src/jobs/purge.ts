/**
 * The job that archives sessions before they are purged, as callers start it. The core decides which
 * sessions are purgeable, and checks it again when it purges them.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { Performer } from "../connection/call.js";
import type { PurgeParams, PurgeResult } from "../generated.js";
import { invalidArgument } from "../values/error.js";
import { checkObject, checkOptions, refuseOptions } from "../values/options.js";
import type { Accepts } from "../values/params.js";
import {
  type ArchiveAt,
  type ArchiveBatch,
  type ArchiveOptions,
  type Archiver,
  archiveOf,
  exportTo,
} from "./archive.js";
import { runJob } from "./job.js";

/** Options of a purge. */
export type PurgeOptions = ArchiveOptions;

/**
 * Checks what a caller of `purge` passes, and returns its archive. One in the wrong place would be
 * ignored, and the sessions deleted without it.
 */
export function checkPurge(params: unknown, options: unknown): Archiver | undefined {
  checkOptions(options, { archive: "any", archiveParts: "function" });
  const archive = archiveOf(options as ArchiveOptions);
  checkObject(params, "params", "{ olderThan }");
  refuseOptions(params, ["archive", "archiveParts"]);
  if ("batch" in params) throw invalidArgument("batch", "is not known");
  return archive;
}

/** Archives and purges the sessions in the trash. */
export async function purgeArchived(
  binding: Binding,
  store: Performer,
  params: Accepts<PurgeParams>,
  archive: Archiver,
  open: (at: ArchiveAt) => ArchiveBatch,
): Promise<PurgeResult> {
  const archiving = exportTo(() => archive, open);
  try {
    return await runJob(
      binding,
      "retentionPurge",
      { ...params, archive: true },
      {
        run: (_, name, params) => store.perform(name, params),
        export: archiving.export,
        verify: archiving.verify,
      },
    );
  } finally {
    archiving.stop();
  }
}

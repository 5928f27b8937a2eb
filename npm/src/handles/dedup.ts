/**
 * Deduplication of runs, such as those of a workflow that two events started. Each method builds
 * the parameters of its operation; the core decides what is a duplicate.
 *
 * @module
 */

import type { Mode, Returns } from "../connection/call.js";
import type {
  AuditEntry,
  DedupAdmitParams,
  DedupAuditParams,
  DedupCheckParams,
  DedupCleanupParams,
  DedupCleared,
  DedupClearParams,
  DedupListParams,
  DedupRegisterParams,
  DedupStats,
  DedupStatsParams,
  LeasePage,
} from "../generated.js";
import { checkArguments, mayTake, takes } from "../values/arguments.js";
import type { DedupCleaned, DedupDecision } from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import { OperationGroup } from "./operation-group.js";

/** The deduplicated runs of a store. */
export class Dedup<M extends Mode> extends OperationGroup<M> {
  static {
    const run = takes("run", 0, "{ eventType, workflow }");
    checkArguments<Dedup<Mode>>(Dedup, Dedup.refuse, {
      admit: run,
      check: run,
      register: run,
      cleanup: run,
      audit: run,
      stats: mayTake("options", 0, "{ from, to }"),
      list: mayTake("options", 0, "{ prefix, ended }"),
      clear: mayTake("options", 0, "{ prefix, ended }"),
    });
  }

  /**
   * Admits a run, or reports that it is a duplicate. It checks and registers atomically, so that
   * only one of two concurrent runs is admitted. `skip` is true for a duplicate; `reason` and
   * `message` explain it.
   */
  admit(run: Accepts<DedupAdmitParams>): Returns<M, DedupDecision> {
    return this.ask("dedupAdmit", () => run);
  }

  /** Checks whether a run would be a duplicate, without registering it. */
  check(run: Accepts<DedupCheckParams>): Returns<M, DedupDecision> {
    return this.ask("dedupCheck", () => run);
  }

  /** Registers a run that was checked. */
  register(run: Accepts<DedupRegisterParams>): Returns<M, DedupDecision> {
    return this.ask("dedupRegister", () => run);
  }

  /** Marks a run as ended. Its window still blocks duplicates; other runs are not affected. */
  cleanup(run: Accepts<DedupCleanupParams>): Returns<M, DedupCleaned> {
    return this.ask("dedupCleanup", () => run);
  }

  /** Records the outcome of a run in the audit log. */
  audit(run: Accepts<DedupAuditParams>): Returns<M, AuditEntry> {
    return this.ask("dedupAudit", () => run);
  }

  /**
   * Counts the runs that have ended on some days in UTC, and those of them that were prevented as duplicates:
   * on each day, and together. Without options the days are a week up to today.
   */
  stats(options?: Accepts<DedupStatsParams>): Returns<M, DedupStats> {
    return this.ask("dedupStats", () => options ?? {});
  }

  /** Returns a page of the runs that block duplicates. */
  list(options?: Accepts<DedupListParams>): Returns<M, LeasePage> {
    return this.ask("dedupList", () => options ?? {});
  }

  /** Removes runs, so that they can be repeated. */
  clear(options?: Accepts<DedupClearParams>): Returns<M, DedupCleared> {
    return this.ask("dedupClear", () => options ?? {});
  }
}

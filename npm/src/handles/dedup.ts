/**
 * Runs that are not to be repeated, such as those of a workflow that two events have started. Each
 * method gives its arguments the shape that the operation takes; what is a repetition is decided in
 * the core.
 *
 * @module
 */

import type { Ask, Mode, Returns } from "../connection/call.js";
import type {
  AuditEntry,
  DedupAdmitParams,
  DedupAuditParams,
  DedupCheckParams,
  DedupCleaned,
  DedupCleanupParams,
  DedupCleared,
  DedupClearParams,
  DedupDecision,
  DedupListParams,
  DedupRegisterParams,
  LeasePage,
} from "../generated.js";
import type { Accepts } from "../values/params.js";

/** The runs of a store. */
export class Dedup<M extends Mode> {
  readonly #ask: Ask<M>;

  /** @internal */
  constructor(ask: Ask<M>) {
    this.#ask = ask;
  }

  /**
   * Lets a run begin, or says that it is one too many: checked and registered in one step, so that of
   * two at once one begins. What it says is in `skip`, and why in `reason` and `message`.
   */
  admit(run: Accepts<DedupAdmitParams>): Returns<M, DedupDecision> {
    return this.#ask("dedupAdmit", () => ({ ...run }));
  }

  /** Whether a run would be one too many. Nothing keeps another from asking the same. */
  check(run: Accepts<DedupCheckParams>): Returns<M, DedupDecision> {
    return this.#ask("dedupCheck", () => ({ ...run }));
  }

  /** Registers a run that was checked. */
  register(run: Accepts<DedupRegisterParams>): Returns<M, DedupDecision> {
    return this.#ask("dedupRegister", () => ({ ...run }));
  }

  /** Says that a run has ended. Its window stays, and another's run is left alone. */
  cleanup(run: Accepts<DedupCleanupParams>): Returns<M, DedupCleaned> {
    return this.#ask("dedupCleanup", () => ({ ...run }));
  }

  /** Enters into the audit log how a run went. */
  audit(run: Accepts<DedupAuditParams>): Returns<M, AuditEntry> {
    return this.#ask("dedupAudit", () => ({ ...run }));
  }

  /** A page of the runs that keep others away. */
  list(options?: Accepts<DedupListParams>): Returns<M, LeasePage> {
    return this.#ask("dedupList", () => ({ ...options }));
  }

  /** Forgets runs, so that they may be repeated. */
  clear(options?: Accepts<DedupClearParams>): Returns<M, DedupCleared> {
    return this.#ask("dedupClear", () => ({ ...options }));
  }
}

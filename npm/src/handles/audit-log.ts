/**
 * The audit log: what was decided, when, and about what. Each method gives its arguments the shape
 * that the operation takes; what is entered is decided in the core.
 *
 * @module
 */

import type { Ask, Mode, Returns } from "../connection/call.js";
import type {
  AuditDay,
  AuditDayParams,
  AuditLogParams,
  AuditPage,
  AuditPurged,
  AuditPurgeParams,
} from "../generated.js";
import type { Accepts } from "../values/params.js";

/** The audit log of a store. */
export class AuditLog<M extends Mode> {
  readonly #ask: Ask<M>;

  /** @internal */
  constructor(ask: Ask<M>) {
    this.#ask = ask;
  }

  /** A page of the entries that are meant, oldest first; `nextCursor` says where the next begins. */
  entries(options?: Accepts<AuditLogParams>): Returns<M, AuditPage> {
    return this.#ask("auditLog", () => ({ ...options }));
  }

  /** The runs of a day, as the file of such a day lists them. */
  day(options?: Accepts<AuditDayParams>): Returns<M, AuditDay> {
    return this.#ask("auditDay", () => ({ ...options }));
  }

  /** Removes the entries that have reached an age. */
  purge(options: Accepts<AuditPurgeParams>): Returns<M, AuditPurged> {
    return this.#ask("auditPurge", () => ({ ...options }));
  }
}

/**
 * The audit log: which decision was made, when, and about which subject. Each method builds the
 * parameters of its operation; the core writes the entries.
 *
 * @module
 */

import type { Mode, Returns } from "../connection/call.js";
import type {
  AuditDay,
  AuditDayParams,
  AuditLogParams,
  AuditPage,
  AuditPurged,
  AuditPurgeParams,
} from "../generated.js";
import { checkArguments, mayTake, takes } from "../values/arguments.js";
import type { Accepts, Time } from "../values/params.js";
import { OperationGroup } from "./operation-group.js";

/** Filter and paging of the entries of the audit log. */
export interface AuditLogOptions extends Omit<Accepts<AuditLogParams>, "after" | "before"> {
  /** Only entries of this time or later. */
  readonly after?: Time | undefined;
  /** Only entries before this time. */
  readonly before?: Time | undefined;
}

/** The audit log of a store. */
export class AuditLog<M extends Mode> extends OperationGroup<M> {
  static {
    checkArguments<AuditLog<Mode>>(AuditLog, AuditLog.refuse, {
      entries: mayTake("options", 0, "{ kind, after }"),
      day: mayTake("options", 0, "{ date }"),
      purge: takes("options", 0, "{ olderThan }"),
    });
  }

  /**
   * Returns a page of the matching entries, the oldest first or with `order: "desc"` the newest;
   * `nextCursor` is the cursor of the next page.
   */
  entries(options?: AuditLogOptions): Returns<M, AuditPage> {
    // The core takes a time in each of its forms.
    return this.ask("auditLog", () => (options ?? {}) as Accepts<AuditLogParams>);
  }

  /** Returns the runs of a day, in the format of the daily audit file. */
  day(options?: Accepts<AuditDayParams>): Returns<M, AuditDay> {
    return this.ask("auditDay", () => options ?? {});
  }

  /** Purges the entries that are older than a given age. */
  purge(options: Accepts<AuditPurgeParams>): Returns<M, AuditPurged> {
    return this.ask("auditPurge", () => options ?? {});
  }
}

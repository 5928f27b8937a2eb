/**
 * The processes that a store has registered, and their virtual machines. `getSessionManager()` registers
 * the one of this process; these methods read the registry of any handle.
 *
 * @module
 */

import type { Mode, Returns } from "../connection/call.js";
import type { ActiveSession, ActiveSessionsParams, OrphansParams, VmView } from "../generated.js";
import { checkArguments, mayTake } from "../values/arguments.js";
import type { Accepts } from "../values/params.js";
import { OperationGroup } from "./operation-group.js";

/** The registered processes of a store, and their virtual machines. */
export class Machines<M extends Mode> extends OperationGroup<M> {
  static {
    checkArguments<Machines<Mode>>(Machines, Machines.refuse, {
      active: mayTake("options", 0, "{ limit, after }"),
      orphans: mayTake("options", 0, "{ limit, after }"),
    });
  }

  /**
   * Returns the sessions of running processes by their ids, with and without virtual machines; 10,000 at
   * most.
   */
  active(
    options?: Accepts<ActiveSessionsParams>,
  ): Returns<M, Readonly<Record<string, ActiveSession>>> {
    return this.ask("activeSessions", () => options ?? {});
  }

  /** Returns the virtual machines whose owners have ended; 1,000 at most. */
  orphans(options?: Accepts<OrphansParams>): Returns<M, readonly VmView[]> {
    return this.ask("orphans", () => options ?? {});
  }
}

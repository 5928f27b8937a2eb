/**
 * The synchronous handle: sessions over a store that answers at once.
 *
 * @module
 */

import type { OperationName, Params, Result } from "../connection/call.js";
import type { SlotStart } from "../generated.js";
import type { HeldLeaseSync, HoldOptions } from "../jobs/held-lease.js";
import type { Pass } from "../jobs/retention.js";
import { type SlotOptionsSync, type SlotRequest, slotParams } from "../slots/options.js";
import { AgentsSync } from "./agents.js";
import { AuditLog } from "./audit-log.js";
import { Dedup } from "./dedup.js";
import { Handle } from "./handle.js";
import { LeasesSync, sessionKey } from "./leases.js";
import { type ListOptions, SessionPageSync } from "./list.js";

/** The sessions of a store, with methods that return results instead of promises. Made by `openSync`. */
export class SessionsSync extends Handle<"sync"> implements Disposable {
  /** Agents: sessions that have a phase, and may be resumed. */
  readonly agents: AgentsSync = new AgentsSync((name, make) => this.ask(name, make));
  /** Leases: who holds what, and until when. */
  readonly leases: LeasesSync = new LeasesSync((name, make) => this.ask(name, make), this.binding);
  /** Runs that are not to be repeated. */
  readonly dedup: Dedup<"sync"> = new Dedup((name, make) => this.ask(name, make));
  /** What was decided, when, and about what. */
  readonly audit: AuditLog<"sync"> = new AuditLog((name, make) => this.ask(name, make));

  /**
   * A page of the sessions that are meant, newest first (`limit`, 50 by default); to iterate over it
   * goes on through all pages that follow.
   */
  list(options: ListOptions = {}): SessionPageSync {
    return new SessionPageSync({ ...options }, (page) => this.ask("list", () => page));
  }

  /**
   * Holds a session, so that nobody else resumes it: its lease, renewed until it is released, or
   * `null` if it is held already.
   */
  hold(id: string, options?: HoldOptions): HeldLeaseSync | null {
    return this.leases.hold(sessionKey(id), options);
  }

  /** See {@link Operations.startInSlot}. Where somebody else has the slot, it is `busy` at once. */
  override startInSlot(request: SlotRequest, options: SlotOptionsSync = {}): SlotStart {
    const params = slotParams(request, options, this.slotLocking);
    const watch = this.slotMeter.watch(params.locking);
    watch.tries();
    try {
      return watch.ends(this.ask("startInSlot", () => params));
    } catch (thrown) {
      throw watch.fails(thrown);
    }
  }

  /** Closes the handle. It takes no more calls; webhooks that wait are still delivered. */
  close(): void {
    if (this.connection.isClosed) return;
    this.connection.closeSync();
    this.detach();
  }

  /** See {@link SessionsSync.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  protected override ask<N extends OperationName>(name: N, make: () => Params<N>): Result<N> {
    const watch = this.watch(name);
    const result = this.connection.perform(name, make);
    watch?.(result);
    return result;
  }

  /** @internal */
  protected override makeCalls(pass: Pass): void {
    const calls = pass.calls();
    let call = calls.next();
    while (!call.done) {
      const { name, params } = call.value;
      call = calls.next(this.ask(name, () => params));
    }
  }
}

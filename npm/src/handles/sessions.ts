/**
 * The asynchronous handle: sessions over any store.
 *
 * @module
 */

import type { OperationName, Params, Result } from "../connection/call.js";
import type { PurgeParams, SlotStart } from "../generated.js";
import { type PurgeOptions, type PurgeResult, purgeArchived } from "../jobs/archive.js";
import type { HeldLease, HoldOptions } from "../jobs/held-lease.js";
import type { Pass } from "../jobs/retention.js";
import { startWithRetries } from "../jobs/slot-retry.js";
import { retryPolicyOf, type SlotOptions, type SlotRequest, slotParams } from "../slots/options.js";
import type { Accepts } from "../values/params.js";
import { Agents } from "./agents.js";
import { AuditLog } from "./audit-log.js";
import { Dedup } from "./dedup.js";
import { Handle } from "./handle.js";
import { Leases, sessionKey } from "./leases.js";
import { type ListOptions, SessionList } from "./list.js";

/** How long `close` waits for webhooks, in milliseconds. */
const DRAIN_TIMEOUT_MS = 5000;

/** The sessions of a store. Made by `open`. */
export class Sessions extends Handle<"async"> implements AsyncDisposable {
  /** Agents: sessions that have a phase, and may be resumed. */
  readonly agents: Agents = new Agents((name, make) => this.ask(name, make));
  /** Leases: who holds what, and until when. */
  readonly leases: Leases = new Leases((name, make) => this.ask(name, make), this.binding);
  /** Runs that are not to be repeated. */
  readonly dedup: Dedup<"async"> = new Dedup((name, make) => this.ask(name, make));
  /** What was decided, when, and about what. */
  readonly audit: AuditLog<"async"> = new AuditLog((name, make) => this.ask(name, make));
  #closing: Promise<void> | undefined;

  /**
   * The sessions that are meant, newest first. `await` gives a page of them (`limit`, 50 by
   * default); `for await` gives them all, page by page.
   */
  list(options: ListOptions = {}): SessionList {
    return new SessionList({ ...options }, (page) => this.ask("list", () => page));
  }

  /**
   * Holds a session, so that nobody else resumes it: its lease, renewed until it is released, or
   * `null` if it is held already.
   */
  hold(id: string, options?: HoldOptions): Promise<HeldLease | null> {
    return this.leases.hold(sessionKey(id), options);
  }

  /** See {@link Operations.startInSlot}. It waits while somebody else has the slot. */
  override async startInSlot(request: SlotRequest, options: SlotOptions = {}): Promise<SlotStart> {
    const { policy, way } = retryPolicyOf(options);
    const params = slotParams(request, way, this.slotLocking);
    const watch = this.slotMeter.watch(params.locking);
    return startWithRetries(() => this.ask("startInSlot", () => params), policy, watch);
  }

  /**
   * Removes for good what has been in the trash for a certain time. With `archive`, each session is
   * kept elsewhere first, one after the other; one for which it throws stays in the trash, and is among
   * those that have `failed`.
   */
  override purge(
    params: Accepts<PurgeParams>,
    { archive }: PurgeOptions = {},
  ): Promise<PurgeResult> {
    if (archive === undefined || params.dryRun) return this.ask("purge", () => params);
    return purgeArchived((name, make) => this.ask(name, make), params, archive);
  }

  /**
   * Closes the handle. It takes no more calls; those under way come to their end, and webhooks that
   * wait are delivered, for five seconds at most. Closing again does nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** See {@link Sessions.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override ask<N extends OperationName>(
    name: N,
    make: () => Params<N>,
  ): Promise<Result<N>> {
    const result = this.connection.promise(this, name, make);
    const watch = this.watch(name);
    if (watch === undefined) return result;
    return result.then((result) => {
      watch(result);
      return result;
    });
  }

  /** @internal */
  protected override async makeCalls(pass: Pass): Promise<void> {
    const calls = pass.calls();
    let call = calls.next();
    while (!call.done) {
      const { name, params } = call.value;
      call = calls.next(await this.ask(name, () => params));
    }
  }

  async #close(): Promise<void> {
    this.detach();
    try {
      await this.connection.close();
    } finally {
      await this.notifier.drain(DRAIN_TIMEOUT_MS);
    }
  }
}

/**
 * The synchronous handle: sessions over a synchronous store.
 *
 * @module
 */

import type { OperationName, Params, Result } from "../connection/call.js";
import type { PurgeParams, PurgeResult } from "../generated.js";
import type { HoldOptions } from "../jobs/held-lease.js";
import { checkPurge } from "../jobs/purge.js";
import { type SlotOptionsSync, type SlotRequest, slotParams } from "../slots/options.js";
import { checkArguments, thrown } from "../values/arguments.js";
import { invalidArgument } from "../values/error.js";
import { copyOf, withOptions } from "../values/options.js";
import type { SlotStart } from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import type { BuiltInEventType } from "../values/session-data.js";
import type { OwnEventType, SessionHead, SessionTypes } from "../values/session-types.js";
import { AgentsSync } from "./agents.js";
import { AuditLog } from "./audit-log.js";
import { Dedup } from "./dedup.js";
import { exportPartsSync } from "./export-parts.js";
import { Handle } from "./handle.js";
import { HeldSessionSync } from "./held-session.js";
import { LeasesSync } from "./leases.js";
import {
  type EventOptions,
  EventPageSync,
  type LatestOptions,
  type ListOptions,
  pageOfLatest,
  SessionPageSync,
  type TypedEventOptions,
} from "./list.js";
import { Machines } from "./machines.js";
import type { TrashOption } from "./operations.js";
import { SESSION_ARGUMENTS } from "./session-arguments.js";
import { Webhooks } from "./webhooks.js";

/** The sessions of a store, with methods that return results instead of promises. Made by `openSync`. */
export class SessionsSync<T extends SessionTypes = SessionTypes>
  extends Handle<"sync", T>
  implements Disposable
{
  static {
    checkArguments(SessionsSync, thrown, SESSION_ARGUMENTS);
  }

  /** Agents: sessions that have a phase. */
  readonly agents: AgentsSync<T> = new AgentsSync((name, make) => this.ask(name, make));
  /** Leases: exclusive, expiring claims on keys. */
  readonly leases: LeasesSync = new LeasesSync(
    (name, make) => this.ask(name, make),
    this.binding,
    this.connection.binding,
  );
  /** Deduplication of runs. */
  readonly dedup: Dedup<"sync"> = new Dedup((name, make) => this.ask(name, make));
  /** The audit log. */
  readonly audit: AuditLog<"sync"> = new AuditLog((name, make) => this.ask(name, make));
  /** The registered processes, and their virtual machines. */
  readonly machines: Machines<"sync"> = new Machines((name, make) => this.ask(name, make));
  /** The endpoints of webhooks, and the deliveries to them. */
  readonly webhooks: Webhooks<"sync"> = new Webhooks(
    (name, make) => this.ask(name, make),
    this.webhookJobs,
  );

  /**
   * Lists the matching sessions, newest first: returns a page (`limit`, 50 by default). Iterating
   * over it continues through all following pages.
   */
  list(options: ListOptions = {}): SessionPageSync<ListOptions, T> {
    return new SessionPageSync(copyOf(options), (page) => this.ask("list", () => page));
  }

  /** See {@link Sessions.latest}. */
  latest(filter: LatestOptions = {}): SessionHead<T> | null {
    for (const head of this.list(pageOfLatest(filter))) return head;
    return null;
  }

  /** See {@link Operations.events}. */
  override events<Type extends BuiltInEventType | OwnEventType<T>>(
    id: string,
    options: TypedEventOptions<Type>,
  ): EventPageSync<T, Type>;
  override events(
    id: string,
    options?: EventOptions<BuiltInEventType | OwnEventType<T>>,
  ): EventPageSync<T>;
  override events(id: string, options?: EventOptions): EventPageSync<T> {
    return new EventPageSync(copyOf(options ?? {}), (page) =>
      this.ask("events", () => withOptions(page, { id })),
    );
  }

  /** See {@link Sessions.exportParts}. */
  exportParts(id: string, options?: TrashOption): IterableIterator<string> {
    return exportPartsSync((name, make) => this.ask(name, make), id, copyOf(options));
  }

  /** See {@link Sessions.hold}. */
  hold(id: string, options?: HoldOptions): HeldSessionSync<T> | null {
    const { leases } = this;
    const lease = leases.held(() =>
      this.ask("hold", () => withOptions(leases.toHold(options), { id })),
    );
    return lease && new HeldSessionSync(id, this, (name, make) => this.ask(name, make), lease);
  }

  /**
   * See {@link Operations.startInSlot}. It does not wait: while another call is starting a session
   * in the slot, the outcome is `busy`.
   */
  override startInSlot(request: SlotRequest<T>, options: SlotOptionsSync = {}): SlotStart<T> {
    const params = slotParams(request, options, this.slotLocking);
    const attempts = this.slotMeter.observe<T>(params.locking);
    attempts.began();
    try {
      return attempts.succeeded(attempts.attempted(this.ask("startInSlot", () => params)));
    } catch (thrown) {
      throw attempts.failed(thrown);
    }
  }

  /**
   * Purges the trash: permanently deletes sessions that have been in it for a given time. A
   * synchronous handle does not archive them: `open` returns a handle that does.
   */
  override purge(params: Accepts<PurgeParams>, ...options: never[]): PurgeResult {
    checkPurge(params, {});
    if (options.length > 0) {
      throw invalidArgument("archive", "only a handle of `open` archives sessions");
    }
    return super.purge(params);
  }

  /**
   * Closes the handle. Pending webhooks are delivered within five seconds, which this does not wait
   * for; later calls are refused.
   */
  close(): void {
    if (this.connection.isClosed) return;
    try {
      this.connection.closeSync();
      this.detach();
    } finally {
      if (this.connection.isClosed) void this.notifier.drain();
    }
  }

  /** See {@link SessionsSync.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  protected override ask<N extends OperationName>(name: N, make: () => Params<N>): Result<N, T> {
    const observe = this.observe(name);
    const result = this.connection.perform(name, make);
    observe?.(result);
    // The types of the caller are the caller's promise.
    return result as Result<N, T>;
  }
}

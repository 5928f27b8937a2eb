/**
 * A session that is held: a handle whose writes to the session carry the fencing token of its
 * lease, so that the core refuses them once the lease is lost.
 *
 * @module
 */

import type { Ask, Mode, OperationName, Params, Result, Returns } from "../connection/call.js";
import { OPERATIONS } from "../generated.js";
import type { HeldLease, HeldLeaseSync } from "../jobs/held-lease.js";
import type { SlotOptionsOf, SlotRequest } from "../slots/options.js";
import { checkArguments, rejected, thrown } from "../values/arguments.js";
import type { SlotStart } from "../values/outcomes.js";
import type { BuiltInEventType } from "../values/session-data.js";
import type { OwnEventType, SessionTypes } from "../values/session-types.js";
import { onRejected } from "../values/thenable.js";
import { Agents, AgentsSync } from "./agents.js";
import type { EventList, EventOptions, EventPageSync, TypedEventOptions } from "./list.js";
import { Operations } from "./operations.js";

/** A held session, in either mode. */
abstract class Held<
  M extends Mode,
  L extends HeldLease | HeldLeaseSync,
  T extends SessionTypes,
> extends Operations<M, T> {
  static {
    checkArguments<Held<Mode, HeldLease | HeldLeaseSync, SessionTypes>>(Held, Held.refuse);
  }

  /** The id of the session. */
  readonly id: string;
  /** @internal */
  protected readonly lease: L;
  readonly #handle: Operations<M, T>;
  readonly #ask: Ask<M, T>;

  /** @internal */
  constructor(id: string, handle: Operations<M, T>, ask: Ask<M, T>, lease: L) {
    super();
    this.id = id;
    this.lease = lease;
    this.#handle = handle;
    this.#ask = ask;
  }

  /** The key of the lease. */
  get key(): string {
    return this.lease.key;
  }

  /** The holder. */
  get holder(): string {
    return this.lease.holder;
  }

  /** The fencing token, which is the `token` of every write to the session. */
  get token(): number {
    return this.lease.token;
  }

  /**
   * Aborted when the lease is lost: another holder acquired it, it was cleared, or it could not be
   * renewed in time. That is noticed at the next write to the session, or at the next renewal, after a
   * third of the lease's duration at the latest. The reason of the signal has the code `LEASE_LOST`,
   * as the error of each later write has.
   */
  get lost(): AbortSignal {
    return this.lease.lost;
  }

  /** Whether the session is held, as far as this process knows. */
  get isHeld(): boolean {
    return this.lease.isHeld;
  }

  /** See {@link Operations.startInSlot}. */
  override startInSlot(
    request: SlotRequest<T>,
    options?: SlotOptionsOf<M>,
  ): Returns<M, SlotStart<T>> {
    return this.#handle.startInSlot(request, options);
  }

  /** See {@link Operations.events}. */
  override events<Type extends BuiltInEventType | OwnEventType<T>>(
    id: string,
    options: TypedEventOptions<Type>,
  ): M extends "async" ? EventList<T, Type> : EventPageSync<T, Type>;
  override events(
    id: string,
    options?: EventOptions<BuiltInEventType | OwnEventType<T>>,
  ): M extends "async" ? EventList<T> : EventPageSync<T>;
  override events(
    id: string,
    options?: EventOptions<BuiltInEventType | OwnEventType<T>>,
  ): M extends "async" ? EventList<T> : EventPageSync<T> {
    return this.#handle.events(id, options);
  }

  /** @internal */
  protected override ask<N extends OperationName>(
    name: N,
    make: () => Params<N>,
  ): Returns<M, Result<N, T>> {
    const refused = (thrown: unknown): void => this.lease.noteRefusal(thrown);
    try {
      const result = this.#ask(name, () => this.#withToken(name, make()));
      onRejected(result, refused);
      return result;
    } catch (thrown) {
      refused(thrown);
      throw thrown;
    }
  }

  #withToken<N extends OperationName>(name: N, params: Params<N>): Params<N> {
    if (OPERATIONS[name] !== "fenced" || !isAbout(params, this.id)) return params;
    return { token: this.token, ...params };
  }
}

/**
 * A session that is held until it is released. It has the methods of the handle; those that write to
 * the session carry the fencing token. `await using` releases it at the end of the block.
 */
export class HeldSession<T extends SessionTypes = SessionTypes>
  extends Held<"async", HeldLease, T>
  implements AsyncDisposable
{
  static {
    checkArguments(HeldSession, rejected);
  }

  /** Agents: sessions that have a phase. */
  readonly agents: Agents<T> = new Agents((name, make) => this.ask(name, make));

  /** Releases the session: `false` if it was no longer held. */
  release(): Promise<boolean> {
    return this.lease.release();
  }

  /** See {@link HeldSession.release}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/**
 * A session that is held until it is released. It has the methods of the handle; those that write to
 * the session carry the fencing token. `using` releases it at the end of the block.
 */
export class HeldSessionSync<T extends SessionTypes = SessionTypes>
  extends Held<"sync", HeldLeaseSync, T>
  implements Disposable
{
  static {
    checkArguments(HeldSessionSync, thrown);
  }

  /** Agents: sessions that have a phase. */
  readonly agents: AgentsSync<T> = new AgentsSync((name, make) => this.ask(name, make));

  /** Releases the session: `false` if it was no longer held. */
  release(): boolean {
    return this.lease.release();
  }

  /** See {@link HeldSessionSync.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** Whether parameters are about the session with this id, and no other. */
function isAbout(params: object, id: string): boolean {
  if ("id" in params) return params.id === id;
  if ("ids" in params) {
    return Array.isArray(params.ids) && params.ids.every((one) => one === id);
  }
  return "text" in params && idOf(params.text) === id;
}

/** The id of a session as text. What is wrong with the text is the core's to say. */
function idOf(text: unknown): unknown {
  try {
    return (JSON.parse(String(text)) as { readonly id?: unknown }).id;
  } catch {
    return undefined;
  }
}

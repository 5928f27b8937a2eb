/**
 * A lease for as long as a piece of work takes: it renews itself, says when it is lost, and is given
 * back at the end. Who gets a lease, and until when, is decided in the core; here is only the clock,
 * which never keeps a process alive.
 *
 * @module
 */

import type { Ask, Mode } from "../connection/call.js";
import type { LeaseAcquireParams, LeaseView } from "../generated.js";
import { MAX_DELAY_MS, unref } from "../runtime/timers.js";
import { leaseLost } from "../values/error.js";
import type { Accepts } from "../values/params.js";

/** How a lease is held. */
export type HoldOptions = Accepts<Omit<LeaseAcquireParams, "key" | "once">>;

/** It is renewed after this part of its time. */
const RENEWED_AFTER = 1 / 3;
/** After a renewal that failed, the next comes no later than this, in milliseconds. */
const RETRY_MS = 1000;

/** What is held, in either mode. */
abstract class Held<M extends Mode> {
  /** What is held. */
  readonly key: string;
  /** Who holds it. */
  readonly holder: string;
  /** Grows with each holder: what the lease guards can refuse a write that carries a smaller one. */
  readonly token: number;
  /**
   * Aborted when the lease is no longer held: somebody has taken it, or it could not be renewed in
   * time. Its reason has the code `LEASE_LOST`.
   */
  readonly lost: AbortSignal;
  /** @internal */
  protected readonly ask: Ask<M>;
  readonly #lost = new AbortController();
  readonly #length: number | undefined;
  /** Until when it surely lasts, on a clock that is never set. */
  #end = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #released = false;

  /** @internal */
  constructor(ask: Ask<M>, lease: LeaseView, asked: number) {
    const { key, holder, token, renewedAt, expiresAt } = lease;
    this.key = key;
    this.holder = holder;
    this.token = token;
    this.lost = this.#lost.signal;
    this.ask = ask;
    if (!expiresAt) return;
    this.#length = Date.parse(expiresAt) - Date.parse(renewedAt);
    this.#last(asked, this.#length);
  }

  /** Whether it is held, as far as is known here. */
  get isHeld(): boolean {
    return !this.#released && !this.lost.aborted;
  }

  /** Ends the renewals. @internal */
  protected end(): void {
    this.#released = true;
    clearTimeout(this.#timer);
  }

  /** It lasts `length` from a moment on, and is to be renewed before that. */
  #last(since: number, length: number): void {
    this.#end = since + length;
    this.#renewIn(length * RENEWED_AFTER);
  }

  #renewIn(delay: number): void {
    this.#timer = setTimeout(() => this.#renew(), Math.min(delay, MAX_DELAY_MS));
    unref(this.#timer);
  }

  async #renew(): Promise<void> {
    const { key, holder, token } = this;
    const began = performance.now();
    const length = this.#length ?? 0;
    try {
      const { outcome } = await this.ask("leaseRenew", () => ({ key, holder, token }));
      if (!this.isHeld) return;
      if (outcome === "renewed") this.#last(began, length);
      else this.#lose("somebody else has it, or it was given back");
    } catch (thrown) {
      if (!this.isHeld) return;
      const left = this.#end - performance.now();
      if (left > 0) this.#renewIn(Math.min(RETRY_MS, length * RENEWED_AFTER, left));
      else this.#lose("it could not be renewed in time", thrown);
    }
  }

  #lose(problem: string, cause?: unknown): void {
    this.#lost.abort(leaseLost(this.key, problem, cause));
  }
}

/** A lease that is held until it is released, which `await using` does at the end of its block. */
export class HeldLease extends Held<"async"> implements AsyncDisposable {
  /** Gives it back: `false` if it was no longer held. */
  async release(): Promise<boolean> {
    this.end();
    const { key, holder, token } = this;
    const { outcome } = await this.ask("leaseRelease", () => ({ key, holder, token }));
    return outcome === "released";
  }

  /** See {@link HeldLease.release}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** A lease that is held until it is released, which `using` does at the end of its block. */
export class HeldLeaseSync extends Held<"sync"> implements Disposable {
  /** Gives it back: `false` if it was no longer held. */
  release(): boolean {
    this.end();
    const { key, holder, token } = this;
    return this.ask("leaseRelease", () => ({ key, holder, token })).outcome === "released";
  }

  /** See {@link HeldLeaseSync.release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}

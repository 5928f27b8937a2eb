/**
 * A lease that is held for the duration of some work: it is renewed automatically, signals when it
 * is lost, and is released at the end. The core decides who gets a lease and for how long; this
 * file only has the timer, which never keeps a process alive.
 *
 * @module
 */

import type { Ask, Mode } from "../connection/call.js";
import type { LeaseAcquireParams, LeaseView } from "../generated.js";
import { MAX_DELAY_MS, unref } from "../runtime/timers.js";
import { leaseLost } from "../values/error.js";
import type { Accepts } from "../values/params.js";

/** Options of a held lease. */
export type HoldOptions = Accepts<Omit<LeaseAcquireParams, "key" | "once">>;

/** The lease is renewed after this part of its duration. */
const RENEWAL_FRACTION = 1 / 3;
/** The longest delay of the retry after a failed renewal, in milliseconds. */
const RETRY_MS = 1000;

/** A held lease, in either mode. */
abstract class Held<M extends Mode> {
  /** The key of the lease. */
  readonly key: string;
  /** The holder. */
  readonly holder: string;
  /**
   * The fencing token. It grows with each holder, so that the guarded resource can refuse writes
   * with a smaller one.
   */
  readonly token: number;
  /**
   * Aborted when the lease is lost: another holder acquired it, or it could not be renewed in time.
   * The reason of the signal has the code `LEASE_LOST`.
   */
  readonly lost: AbortSignal;
  /** @internal */
  protected readonly ask: Ask<M>;
  readonly #lost = new AbortController();
  readonly #durationMs: number | undefined;
  /** When the lease expires at the earliest, on the monotonic clock. */
  #expiresAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #released = false;

  /** @internal */
  constructor(ask: Ask<M>, lease: LeaseView, since: number) {
    const { key, holder, token, renewedAt, expiresAt } = lease;
    this.key = key;
    this.holder = holder;
    this.token = token;
    this.lost = this.#lost.signal;
    this.ask = ask;
    if (!expiresAt) return;
    this.#durationMs = Date.parse(expiresAt) - Date.parse(renewedAt);
    this.#extend(since, this.#durationMs);
  }

  /** Whether the lease is held, as far as this process knows. */
  get isHeld(): boolean {
    return !this.#released && !this.lost.aborted;
  }

  /** Stops the renewals. @internal */
  protected end(): void {
    this.#released = true;
    clearTimeout(this.#timer);
  }

  /** Sets the expiry to `durationMs` after `since`, and schedules the next renewal. */
  #extend(since: number, durationMs: number): void {
    this.#expiresAt = since + durationMs;
    this.#scheduleRenewal(durationMs * RENEWAL_FRACTION);
  }

  #scheduleRenewal(delay: number): void {
    this.#timer = setTimeout(() => this.#renew(), Math.min(delay, MAX_DELAY_MS));
    unref(this.#timer);
  }

  async #renew(): Promise<void> {
    const { key, holder, token } = this;
    const began = performance.now();
    const durationMs = this.#durationMs ?? 0;
    try {
      const { outcome } = await this.ask("leaseRenew", () => ({ key, holder, token }));
      if (!this.isHeld) return;
      if (outcome === "renewed") this.#extend(began, durationMs);
      else this.#signalLoss("another holder has it, or it was released");
    } catch (thrown) {
      if (!this.isHeld) return;
      const left = this.#expiresAt - performance.now();
      if (left > 0) this.#scheduleRenewal(Math.min(RETRY_MS, durationMs * RENEWAL_FRACTION, left));
      else this.#signalLoss("it could not be renewed in time", thrown);
    }
  }

  #signalLoss(problem: string, cause?: unknown): void {
    this.#lost.abort(leaseLost(this.key, problem, cause));
  }
}

/** A lease that is held until it is released. `await using` releases it at the end of the block. */
export class HeldLease extends Held<"async"> implements AsyncDisposable {
  /** Releases the lease: `false` if it was no longer held. */
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

/** A lease that is held until it is released. `using` releases it at the end of the block. */
export class HeldLeaseSync extends Held<"sync"> implements Disposable {
  /** Releases the lease: `false` if it was no longer held. */
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

/**
 * A lease that is held for the duration of some work: it is renewed automatically, signals when it
 * is lost, and is released at the end. The core decides who gets a lease, when it is renewed and
 * when it is lost. The timer never keeps a process alive.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import type { Ask, Mode } from "../connection/call.js";
import type { LeaseAcquireParams, LeaseLoss, LeaseView } from "../generated.js";
import { startTimer } from "../runtime/timers.js";
import { checkArguments, rejected, thrown } from "../values/arguments.js";
import { isTenureError, leaseLost } from "../values/error.js";
import type { Accepts } from "../values/params.js";
import { Job, type Reply } from "./job.js";

/** Options of a held lease. */
export type HoldOptions = Accepts<Omit<LeaseAcquireParams, "key" | "once">>;

/** A held lease, in either mode. */
abstract class Held<M extends Mode> {
  static {
    checkArguments<Held<Mode>>(Held, thrown);
  }

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
   * Aborted when the lease is lost: another holder acquired it, it was cleared, or it could not be
   * renewed in time. That is noticed at the next renewal, after a third of the duration at the latest.
   * The reason of the signal has the code `LEASE_LOST`.
   */
  readonly lost: AbortSignal;
  /** @internal */
  protected readonly ask: Ask<M>;
  readonly #lost = new AbortController();
  readonly #renewal: Job | undefined;
  #released = false;

  /** @internal */
  constructor(ask: Ask<M>, binding: Binding, lease: LeaseView, since: number) {
    const { key, holder, token, renewedAt, expiresAt } = lease;
    this.key = key;
    this.holder = holder;
    this.token = token;
    this.lost = this.#lost.signal;
    this.ask = ask;
    if (!expiresAt) return;
    const durationMs = Date.parse(expiresAt) - Date.parse(renewedAt);
    const ageMs = Math.ceil(performance.now() - since);
    this.#renewal = Job.start(
      binding,
      "renewal",
      { key, holder, token, durationMs, ageMs },
      {
        sleep: (ms, wake) => startTimer(ms, () => wake({ value: null }), "background"),
        run: (_, name, params) => ask(name, () => params),
        ended: (end) => this.#signalLoss(end),
      },
    );
  }

  /** Whether the lease is held, as far as this process knows. */
  get isHeld(): boolean {
    return !this.#released && !this.lost.aborted;
  }

  /** Stops the renewals. @internal */
  protected end(): void {
    this.#released = true;
    this.#renewal?.stop();
  }

  /** Signals the loss that a write with the token has met, which a renewal would meet later. @internal */
  noteRefusal(thrown: unknown): void {
    if (this.#released || !isTenureError(thrown, "LEASE_LOST")) return;
    const { key, token } = thrown.details;
    if (key !== this.key || token !== this.token) return;
    this.#renewal?.stop();
    this.#lost.abort(thrown);
  }

  #signalLoss(end: Reply): void {
    const error =
      "thrown" in end
        ? leaseLost(this.key, "it could not be renewed in time", end.thrown)
        : leaseLost(this.key, (end.value as LeaseLoss).problem, undefined);
    this.#lost.abort(error);
  }
}

/** A lease that is held until it is released. `await using` releases it at the end of the block. */
export class HeldLease extends Held<"async"> implements AsyncDisposable {
  static {
    checkArguments(HeldLease, rejected);
  }

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
  static {
    checkArguments(HeldLeaseSync, thrown);
  }

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

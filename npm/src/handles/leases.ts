/**
 * Leases: who holds what, and until when. Each method gives its arguments the shape that the
 * operation takes; `hold` is for people, and keeps a lease for as long as a piece of work takes. Who
 * gets a lease is decided in the core.
 *
 * @module
 */

import type { BuildInfo } from "../builds/binding.js";
import type { Ask, Mode, Returns } from "../connection/call.js";
import type {
  LeaseAcquireParams,
  LeaseCleared,
  LeaseClearParams,
  LeaseOutcome,
  LeaseReleaseParams,
  LeaseRenewParams,
  LeaseTransferParams,
  LeaseView,
} from "../generated.js";
import { HeldLease, HeldLeaseSync, type HoldOptions } from "../jobs/held-lease.js";
import { randomUuid } from "../runtime/random-uuid.js";
import type { Accepts } from "../values/params.js";
import { LeaseList, type LeaseListOptions, LeasePageSync } from "./list.js";

/** What is held of a session by whoever runs it. */
export function sessionKey(id: string): string {
  return `session:${id}`;
}

/** The operations on leases, in either mode. */
abstract class LeaseOperations<M extends Mode> {
  /** @internal */
  protected readonly ask: Ask<M>;
  readonly #build: BuildInfo["build"];

  /** @internal */
  constructor(ask: Ask<M>, build: BuildInfo["build"]) {
    this.ask = ask;
    this.#build = build;
  }

  /**
   * Takes a lease, or holds it longer. The `outcome` says `"acquired"`, `"renewed"`, or `"held"` when
   * it is somebody else's. Without a `holder` it is the process that holds it, for as long as it runs;
   * browsers have none, and any other holder has it until the lease runs out.
   */
  acquire(
    key: string,
    options?: Accepts<Omit<LeaseAcquireParams, "key">>,
  ): Returns<M, LeaseOutcome> {
    return this.ask("leaseAcquire", () => ({ ...options, key }));
  }

  /** Holds a lease longer: `"renewed"`, or `"lost"` if it is no longer held. */
  renew(key: string, lease: Accepts<Omit<LeaseRenewParams, "key">>): Returns<M, LeaseOutcome> {
    return this.ask("leaseRenew", () => ({ ...lease, key }));
  }

  /** Gives a lease back: `"released"`, `"not_held"`, or `"not_owner"` if somebody else has it. */
  release(key: string, lease?: Accepts<Omit<LeaseReleaseParams, "key">>): Returns<M, LeaseOutcome> {
    return this.ask("leaseRelease", () => ({ ...lease, key }));
  }

  /** Hands a lease to somebody else, with a new token: `"transferred"`, or `"lost"`. */
  transfer(
    key: string,
    lease: Accepts<Omit<LeaseTransferParams, "key">>,
  ): Returns<M, LeaseOutcome> {
    return this.ask("leaseTransfer", () => ({ ...lease, key }));
  }

  /** A lease as it is now, also one that was given back; `null` where there never was one. */
  get(key: string): Returns<M, LeaseView | null> {
    return this.ask("leaseGet", () => ({ key }));
  }

  /** Takes leases from whoever holds them. Their tokens go on growing. */
  clear(options?: Accepts<LeaseClearParams>): Returns<M, LeaseCleared> {
    return this.ask("leaseClear", () => ({ ...options }));
  }

  /** What to ask for to hold a lease alone. @internal */
  protected toHold(key: string, options: HoldOptions | undefined): Accepts<LeaseAcquireParams> {
    // Where no process can be named, each holder is a new one.
    const holder = options?.holder ?? (this.#build === "wasm" ? randomUuid() : undefined);
    return { ...options, holder, key, once: true };
  }
}

/** The leases of a store. */
export class Leases extends LeaseOperations<"async"> {
  /**
   * Holds a lease until it is released, renewing it by itself; `null` if it is held already, also by
   * this very process.
   *
   * ```js
   * await using lease = await sessions.leases.hold("deploy");
   * if (lease) await deploy({ signal: lease.lost });
   * ```
   */
  async hold(key: string, options?: HoldOptions): Promise<HeldLease | null> {
    const asked = performance.now();
    const { outcome, lease } = await this.ask("leaseAcquire", () => this.toHold(key, options));
    return lease && outcome === "acquired" ? new HeldLease(this.ask, lease, asked) : null;
  }

  /**
   * The leases that are meant, in the order of their keys. `await` gives a page of them, `for await`
   * all. Those that were given back are left out unless `state` asks for them.
   */
  list(options: LeaseListOptions = {}): LeaseList {
    return new LeaseList({ ...options }, (page) => this.ask("leaseList", () => page));
  }
}

/** The leases of a store that answers at once. */
export class LeasesSync extends LeaseOperations<"sync"> {
  /**
   * Holds a lease until it is released, renewing it by itself; `null` if it is held already, also by
   * this very process.
   */
  hold(key: string, options?: HoldOptions): HeldLeaseSync | null {
    const asked = performance.now();
    const { outcome, lease } = this.ask("leaseAcquire", () => this.toHold(key, options));
    return lease && outcome === "acquired" ? new HeldLeaseSync(this.ask, lease, asked) : null;
  }

  /**
   * A page of the leases that are meant, in the order of their keys; to iterate over it goes on
   * through all pages that follow.
   */
  list(options: LeaseListOptions = {}): LeasePageSync {
    return new LeasePageSync({ ...options }, (page) => this.ask("leaseList", () => page));
  }
}

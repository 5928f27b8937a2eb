/**
 * Leases: exclusive, expiring claims on keys. Each method builds the parameters of its operation,
 * which the core implements. `hold` acquires a lease and renews it until it is released.
 *
 * @module
 */

import type { Binding, BuildName } from "../builds/binding.js";
import type { Ask, Mode, Returns } from "../connection/call.js";
import type {
  LeaseAcquireParams,
  LeaseCleared,
  LeaseClearParams,
  LeaseReleaseParams,
  LeaseRenewParams,
  LeaseTransferParams,
  LeaseView,
} from "../generated.js";
import { HeldLease, HeldLeaseSync, type HoldOptions } from "../jobs/held-lease.js";
import { randomUuid } from "../runtime/random-uuid.js";
import {
  checkArguments,
  mayTake,
  type Refuse,
  rejected,
  takes,
  thrown,
} from "../values/arguments.js";
import { copyOf, withOptions } from "../values/options.js";
import type {
  LeaseAcquisition,
  LeaseRelease,
  LeaseRenewal,
  LeaseTransfer,
} from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import { LeaseList, type LeaseListOptions, LeasePageSync } from "./list.js";
import { OperationGroup } from "./operation-group.js";

/** What the methods take that each mode has of its own. */
const OWN = {
  hold: mayTake("options", 1, "{ leaseDurationMs }"),
  list: mayTake("options", 0, "{ prefix, state }", 1),
};

/** The operations on leases, in either mode. */
abstract class LeaseOperations<M extends Mode> extends OperationGroup<M> {
  static {
    checkArguments<LeaseOperations<Mode>>(LeaseOperations, LeaseOperations.refuse, {
      acquire: mayTake("options", 1, "{ holder, leaseDurationMs }"),
      renew: takes("lease", 1, "{ token }"),
      release: mayTake("lease", 1, "{ token }"),
      transfer: takes("lease", 1, "{ token, to }"),
      clear: mayTake("options", 0, "{ prefix }"),
    });
  }

  /** @internal */
  protected readonly binding: Binding;
  readonly #build: BuildName;

  /** @internal */
  constructor(ask: Ask<M>, build: BuildName, binding: Binding) {
    super(ask);
    this.binding = binding;
    this.#build = build;
  }

  /**
   * Acquires or renews a lease. The `outcome` is `"acquired"`, `"renewed"`, or `"held"` if another
   * holder has it. Without a `holder`, the process holds the lease while it runs. Browsers have no
   * processes. A lease of any other holder expires.
   */
  acquire(
    key: string,
    options?: Accepts<Omit<LeaseAcquireParams, "key">>,
  ): Returns<M, LeaseAcquisition> {
    return this.ask("leaseAcquire", () => withOptions(options, { key }));
  }

  /** Renews a lease: `"renewed"`, or `"lost"` if it is no longer held. */
  renew(key: string, lease: Accepts<Omit<LeaseRenewParams, "key">>): Returns<M, LeaseRenewal> {
    return this.ask("leaseRenew", () => withOptions(lease, { key }));
  }

  /** Releases a lease: `"released"`, `"not_held"`, or `"not_owner"` if another holder has it. */
  release(key: string, lease?: Accepts<Omit<LeaseReleaseParams, "key">>): Returns<M, LeaseRelease> {
    return this.ask("leaseRelease", () => withOptions(lease, { key }));
  }

  /** Transfers a lease to another holder, with a new token: `"transferred"`, or `"lost"`. */
  transfer(
    key: string,
    lease: Accepts<Omit<LeaseTransferParams, "key">>,
  ): Returns<M, LeaseTransfer> {
    return this.ask("leaseTransfer", () => withOptions(lease, { key }));
  }

  /**
   * Returns the current state of a lease, also of a released one; `null` if the key was never
   * leased.
   */
  get(key: string): Returns<M, LeaseView | null> {
    return this.ask("leaseGet", () => ({ key }));
  }

  /** Clears leases of any holder. Their tokens continue to grow. */
  clear(options?: Accepts<LeaseClearParams>): Returns<M, LeaseCleared> {
    return this.ask("leaseClear", () => options ?? {});
  }

  /** The options with the holder of an exclusive lease. @internal */
  toHold(options: HoldOptions | undefined): HoldOptions {
    // In WebAssembly there is no process, and a server does not know this one, so each call is a new holder.
    const holder = options?.holder ?? (this.#build === "native" ? undefined : randomUuid());
    return withOptions(options, { holder });
  }
}

/** The leases of a store. */
export class Leases extends LeaseOperations<"async"> {
  static {
    const refuse: Refuse<Leases> = (problem, _, method) =>
      method === "list" ? thrown(problem) : rejected(problem);
    checkArguments(Leases, refuse, OWN);
  }

  /**
   * Acquires a lease and renews it until it is released; `null` if it is already held, also by this
   * process.
   *
   * ```js
   * await using lease = await sessions.leases.hold("deploy");
   * if (lease) await deploy({ signal: lease.lost });
   * ```
   */
  hold(key: string, options?: HoldOptions): Promise<HeldLease | null> {
    return this.held(() =>
      this.ask("leaseAcquire", () => withOptions(this.toHold(options), { key, once: true })),
    );
  }

  /** The lease that `acquire` acquires, with its renewals; `null` if it does not. @internal */
  async held(acquire: () => Promise<LeaseAcquisition>): Promise<HeldLease | null> {
    const asked = performance.now();
    const { outcome, lease } = await acquire();
    if (outcome !== "acquired") return null;
    const preparing = this.binding.prepareJobs?.();
    if (preparing) await preparing;
    return new HeldLease(this.ask, this.binding, lease, asked);
  }

  /**
   * Lists the matching leases in the order of their keys. `await` returns a page, `for await`
   * iterates over all. Released leases are omitted unless `state` includes them.
   */
  list(options: LeaseListOptions = {}): LeaseList {
    return new LeaseList(copyOf(options), (page) => this.ask("leaseList", () => page));
  }
}

/** The leases of a synchronous store. */
export class LeasesSync extends LeaseOperations<"sync"> {
  static {
    checkArguments(LeasesSync, thrown, OWN);
  }

  /**
   * Acquires a lease and renews it until it is released; `null` if it is already held, also by this
   * process.
   */
  hold(key: string, options?: HoldOptions): HeldLeaseSync | null {
    return this.held(() =>
      this.ask("leaseAcquire", () => withOptions(this.toHold(options), { key, once: true })),
    );
  }

  /** The lease that `acquire` acquires, with its renewals; `null` if it does not. @internal */
  held(acquire: () => LeaseAcquisition): HeldLeaseSync | null {
    const asked = performance.now();
    const { outcome, lease } = acquire();
    if (outcome !== "acquired") return null;
    return new HeldLeaseSync(this.ask, this.binding, lease, asked);
  }

  /**
   * Lists the matching leases in the order of their keys: returns a page. Iterating over it
   * continues through all following pages.
   */
  list(options: LeaseListOptions = {}): LeasePageSync {
    return new LeasePageSync(copyOf(options), (page) => this.ask("leaseList", () => page));
  }
}

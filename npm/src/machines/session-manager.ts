/**
 * The session manager: one per process. It knows this process, the virtual machine that the process
 * owns, and the virtual machines of the other processes of the machine. The core decides who owns
 * what.
 *
 * @module
 */

import type { Source } from "../builds/source.js";
import type { ActiveSession, StaleCleanup, VmView } from "../generated.js";
import type { Runtime } from "../runtime/runtime.js";
import { unref } from "../runtime/timers.js";
import { checkArguments, exactly, type Refuse, rejected, thrown } from "../values/arguments.js";
import { checkOptions } from "../values/options.js";
import type { JsonInput } from "../values/params.js";
import { type ExitOptions, ExitTask } from "./exit-task.js";
import { REGISTRY_URL, SessionRegistry } from "./session-registry.js";
import {
  checkTask,
  DEFAULT_TIMEOUT_MS,
  type FillCommand,
  perform,
  type VmTask,
} from "./vm-task.js";

/**
 * The interval in which a process renews its registration, in milliseconds; a registration is valid
 * for 12 hours.
 */
const RENEWAL_INTERVAL_MS = 60 * 60 * 1000;
/** The number of orphans per page. */
const ORPHANS_PER_PAGE = 100;

/** The statistics of a session manager. */
export interface SessionManagerStatistics {
  /** The session id of this process. */
  readonly sessionId: string;
  /** The PID; `null` in browsers. */
  readonly pid: number | null;
  /** The host name; `null` if it is unknown. */
  readonly hostname: string | null;
  /** The time since the manager was created, in seconds. */
  readonly uptimeSeconds: number;
  /** Whether the process owns a virtual machine. */
  readonly hasVm: boolean;
  /** The id of that virtual machine. */
  readonly vmId: string | null;
  /** The number of registrations of virtual machines by this manager. */
  readonly vmsRegistered: number;
  /** The number of virtual machines that this manager unregistered. */
  readonly vmsUnregistered: number;
  /** The number of cleanups of stale sessions by this manager. */
  readonly registryCleanups: number;
  /** The number of stale sessions that they removed. */
  readonly staleSessionsRemoved: number;
  /**
   * Whether the manager works in memory, not shared with other processes, because the registry
   * cannot be opened.
   */
  readonly degraded: boolean;
}

/** Options of a sweep. */
export interface SweepOptions {
  /** The timeout of the command for each orphan, in milliseconds; 120,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** The result of a sweep. */
export interface SweepResult {
  /** The orphans that were deleted. */
  readonly swept: readonly VmView[];
  /** The orphans that were not deleted, with the error if one was thrown. */
  readonly failed: readonly { readonly vm: VmView; readonly error: unknown }[];
}

/**
 * Manages the sessions and virtual machines of this machine. `getSessionManager()` returns the one
 * of the process.
 */
export class SessionManager {
  static {
    const throwing: readonly string[] = ["onExit", "getStatistics"];
    const refuse: Refuse<SessionManager> = (problem, _, method) =>
      method.endsWith("Sync") || throwing.includes(method) ? thrown(problem) : rejected(problem);
    checkArguments(SessionManager, refuse, { sweep: { most: 2 } });
  }

  readonly #registry: SessionRegistry;
  readonly #runtime: Runtime | undefined;
  readonly #exit: ExitTask;
  readonly #began = performance.now();
  readonly #counts = {
    vmsRegistered: 0,
    vmsUnregistered: 0,
    registryCleanups: 0,
    staleSessionsRemoved: 0,
  };
  /** Claimed orphans whose outcome is not recorded in the registry yet. */
  readonly #unrecorded = new Map<string, { readonly token: number; readonly success: boolean }>();
  /** The last known virtual machine, used when the registry cannot be read. */
  #vm: VmView | null = null;

  /** @internal */
  constructor(source: Source, runtime: Runtime | undefined) {
    this.#registry = new SessionRegistry(source);
    this.#runtime = runtime;
    const owner = {
      vm: () => this.#lastKnownVm(),
      unregister: (vmId: string) => this.unregisterVmSync(vmId),
      fill: this.#fill,
    };
    this.#exit = new ExitTask(owner, runtime);
    const renew = (): void => {
      this.#renew().catch(() => {
        // The next run retries, and every call reports its own error.
      });
    };
    unref(setInterval(renew, RENEWAL_INTERVAL_MS));
  }

  /** The core makes the arguments of a command, and refuses a machine's id that is no argument. */
  readonly #fill: FillCommand = (command, { vmId, zone, holder: session }) =>
    this.#registry.askSync("vmCommand", () => ({ command: [...command], vmId, zone, session }));

  /** The session id of this process, a UUID. Worker threads have the same id. */
  get sessionId(): string {
    return this.#registry.session.sessionId;
  }

  /** The PID; `null` in browsers. */
  get pid(): number | null {
    return this.#registry.session.pid;
  }

  /** The host name; `null` if it is unknown. */
  get hostname(): string | null {
    return this.#registry.session.hostname;
  }

  /** When the session was created. */
  get createdAt(): string {
    return this.#registry.session.createdAt;
  }

  /**
   * The URL of the registry, for `open`: `"registry:"`, or `"memory:"` if the registry cannot be
   * opened.
   */
  get registry(): string {
    return this.#registry.url;
  }

  /** The error if the registry could not be opened; otherwise `undefined`. */
  get problem(): unknown {
    return this.#registry.problem;
  }

  /**
   * Registers this process as the owner of a virtual machine. `false` if it owns another one, or if
   * an active session owns this one. If it owns this one already, its data is replaced.
   */
  async registerVm(
    vmId: string,
    zone: string,
    components: readonly string[],
    metadata?: JsonInput,
  ): Promise<boolean> {
    this.#retryRegistry();
    const vm = { vmId, zone, components, metadata };
    const succeeded = await this.#registry.ask("vmRegister", (holder) => ({ ...vm, holder }));
    // Caches the virtual machine. It is registered even if it cannot be read now.
    if (succeeded) await this.getMyVm().catch(() => null);
    return this.#counted(succeeded, "vmsRegistered");
  }

  /** See {@link SessionManager.registerVm}. */
  registerVmSync(
    vmId: string,
    zone: string,
    components: readonly string[],
    metadata?: JsonInput,
  ): boolean {
    this.#retryRegistry();
    const vm = { vmId, zone, components, metadata };
    const succeeded = this.#registry.askSync("vmRegister", (holder) => ({ ...vm, holder }));
    if (succeeded) this.#lastKnownVm();
    return this.#counted(succeeded, "vmsRegistered");
  }

  /** Returns the virtual machine that this process owns, or `null`. */
  async getMyVm(): Promise<VmView | null> {
    this.#vm = await this.#registry.ask("vmMine", (holder) => ({ holder }));
    return this.#vm;
  }

  /** See {@link SessionManager.getMyVm}. */
  getMyVmSync(): VmView | null {
    this.#vm = this.#registry.askSync("vmMine", (holder) => ({ holder }));
    return this.#vm;
  }

  /**
   * Unregisters the virtual machine of this process: `false` if it owns none, or not `vmId`. Delete
   * the machine first: a machine without an owner is not cleaned up.
   */
  async unregisterVm(vmId?: string): Promise<boolean> {
    const succeeded = await this.#registry.ask("vmUnregister", (holder) => ({ vmId, holder }));
    if (succeeded) this.#vm = null;
    return this.#counted(succeeded, "vmsUnregistered");
  }

  /** See {@link SessionManager.unregisterVm}. */
  unregisterVmSync(vmId?: string): boolean {
    const succeeded = this.#registry.askSync("vmUnregister", (holder) => ({ vmId, holder }));
    if (succeeded) this.#vm = null;
    return this.#counted(succeeded, "vmsUnregistered");
  }

  /**
   * Returns the active sessions of this machine by their ids, with and without virtual machines.
   */
  async getAllActiveSessions(): Promise<Record<string, ActiveSession>> {
    return this.#registry.ask("activeSessions", () => ({}));
  }

  /** See {@link SessionManager.getAllActiveSessions}. */
  getAllActiveSessionsSync(): Record<string, ActiveSession> {
    return this.#registry.askSync("activeSessions", () => ({}));
  }

  /**
   * Removes the sessions of ended processes, and returns their number. Their virtual machines
   * become orphans. This also runs automatically every hour.
   */
  async cleanupStaleSessions(): Promise<number> {
    return this.#cleaned(await this.#registry.ask("staleCleanup", () => ({})));
  }

  /** See {@link SessionManager.cleanupStaleSessions}. */
  cleanupStaleSessionsSync(): number {
    return this.#cleaned(this.#registry.askSync("staleCleanup", () => ({})));
  }

  /** Returns the virtual machines whose owners have ended, also those that are being swept. */
  async orphans(): Promise<VmView[]> {
    const orphans: VmView[] = [];
    for (;;) {
      const after = orphans.at(-1)?.vmId;
      const page = await this.#registry.ask("orphans", () => ({ limit: ORPHANS_PER_PAGE, after }));
      if (page.length === 0) return orphans;
      orphans.push(...page);
    }
  }

  /** See {@link SessionManager.orphans}. */
  orphansSync(): VmView[] {
    const orphans: VmView[] = [];
    for (;;) {
      const after = orphans.at(-1)?.vmId;
      const page = this.#registry.askSync("orphans", () => ({ limit: ORPHANS_PER_PAGE, after }));
      if (page.length === 0) return orphans;
      orphans.push(...page);
    }
  }

  /**
   * Sweeps the orphans: claims each of them, deletes it with `run`, and removes it from the list if
   * that succeeds. Other sweeps skip an orphan that is claimed.
   */
  async sweep(run: VmTask, options: SweepOptions = {}): Promise<SweepResult> {
    checkOptions(options, { timeoutMs: "any" });
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const swept: VmView[] = [];
    const failed: { vm: VmView; error: unknown }[] = [];
    checkTask(run, timeoutMs);
    await this.#recordOutcomes();
    for (const { vmId } of await this.orphans()) {
      const claim = await this.#registry.ask("orphanClaim", (holder) => ({ vmId, holder }));
      const { token, vm } = claim;
      if (token === null || vm === null) continue;
      let success = false;
      let error: unknown;
      try {
        success = await perform(run, vm, this.#runtime, this.#fill, timeoutMs);
      } catch (thrown) {
        error = thrown;
      }
      this.#unrecorded.set(vmId, { token, success });
      if (success) swept.push(vm);
      else failed.push({ vm, error });
      await this.#recordOutcomes();
    }
    return { swept, failed };
  }

  /**
   * When the process ends, deletes its virtual machine with `run`, and unregisters it if that
   * succeeds; otherwise it stays listed as an orphan. Returns a function that removes this handler.
   * A further call replaces it. Does nothing in browsers.
   */
  onExit(options: ExitOptions): () => void {
    return this.#exit.set(options);
  }

  /** Returns the statistics of this manager. Never fails. */
  getStatistics(): SessionManagerStatistics {
    const vm = this.#lastKnownVm();
    const { sessionId, pid, hostname } = this;
    return {
      sessionId,
      pid,
      hostname,
      uptimeSeconds: (performance.now() - this.#began) / 1000,
      hasVm: vm !== null,
      vmId: vm?.vmId ?? null,
      ...this.#counts,
      degraded: this.registry !== REGISTRY_URL,
    };
  }

  /**
   * Retries to open a registry that was busy or missing, before a virtual machine is registered.
   */
  #retryRegistry(): void {
    if (this.#vm === null) this.#registry.retry();
  }

  async #renew(): Promise<void> {
    this.#retryRegistry();
    await this.#registry.renew();
    await this.cleanupStaleSessions();
  }

  /**
   * Records the outcomes of claimed orphans. If that fails, the next sweep retries it: the claims
   * of a running process stay valid.
   */
  async #recordOutcomes(): Promise<void> {
    for (const [vmId, done] of this.#unrecorded) {
      await this.#registry.ask("orphanDone", () => ({ vmId, ...done }));
      this.#unrecorded.delete(vmId);
    }
  }

  /** The virtual machine in the registry, or the last known one. */
  #lastKnownVm(): VmView | null {
    try {
      return this.getMyVmSync();
    } catch {
      return this.#vm;
    }
  }

  #counted(succeeded: boolean, what: "vmsRegistered" | "vmsUnregistered"): boolean {
    if (succeeded) this.#counts[what] += 1;
    return succeeded;
  }

  #cleaned({ removed }: StaleCleanup): number {
    this.#counts.registryCleanups += 1;
    this.#counts.staleSessionsRemoved += removed;
    return removed;
  }
}

/** The functions of an entry point that return the session manager. */
export interface SessionManagers {
  /** Returns the session manager of this process, and creates it on the first call. Never fails. */
  readonly getSessionManager: () => SessionManager;
  /** Whether the session manager was created. Does not create it. */
  readonly isSessionManagerAvailable: () => boolean;
}

/** Creates these functions for an entry point. */
export function sessionManagersOver(source: Source, runtime?: Runtime): SessionManagers {
  let manager: SessionManager | undefined;
  return {
    getSessionManager: exactly("getSessionManager", 0, () => {
      manager ??= new SessionManager(source, runtime);
      return manager;
    }),
    isSessionManagerAvailable: exactly("isSessionManagerAvailable", 0, () => manager !== undefined),
  };
}

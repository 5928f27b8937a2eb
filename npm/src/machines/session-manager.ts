/**
 * The session manager: one for a process, always there, which knows this process, the virtual machine
 * that it owns, and those of the other processes of the machine. Who owns what is decided in the core.
 *
 * @module
 */

import type { Source } from "../builds/source.js";
import type { ActiveSession, StaleCleanup, VmView } from "../generated.js";
import { Retention } from "../jobs/retention.js";
import type { Runtime } from "../runtime/runtime.js";
import type { JsonObject } from "../values/session-data.js";
import { type ExitOptions, ExitTask } from "./exit-task.js";
import { REGISTRY_URL, SessionRegistry } from "./session-registry.js";
import { checkTask, DEFAULT_TIMEOUT_MS, perform, type VmTask } from "./vm-task.js";

/** How often a process says that it still runs, in milliseconds; others believe it for 12 hours. */
const RENEWED_EVERY = 60 * 60 * 1000;
/** Orphans that are asked for at a time. */
const ORPHANS = 100;

/** What a session manager has counted, and knows of itself. */
export interface SessionManagerStatistics {
  /** The session that this process is. */
  readonly sessionId: string;
  /** The number of the process; `null` where there is none. */
  readonly pid: number | null;
  /** The machine's name; `null` where it is not known. */
  readonly hostname: string | null;
  /** For how long the manager has been there. */
  readonly uptimeSeconds: number;
  /** Whether the process owns a virtual machine. */
  readonly hasVm: boolean;
  /** Which. */
  readonly vmId: string | null;
  /** How often a virtual machine was registered here. */
  readonly vmsRegistered: number;
  /** How often one was given up here. */
  readonly vmsUnregistered: number;
  /** How often sessions that had ended were looked for here. */
  readonly registryCleanups: number;
  /** How many of them were removed. */
  readonly staleSessionsRemoved: number;
  /** Whether it works in memory, unknown to other processes, because there is no registry. */
  readonly degraded: boolean;
}

/** How orphans are swept. */
export interface SweepOptions {
  /** How long a command may take for each, in milliseconds; 120,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** What came of sweeping. */
export interface SweepResult {
  /** The orphans that are gone. */
  readonly swept: readonly VmView[];
  /** Those that are orphans still, and what was thrown, if anything was. */
  readonly failed: readonly { readonly vm: VmView; readonly error: unknown }[];
}

/** Knows the sessions of this machine. There is one for a process: `getSessionManager()`. */
export class SessionManager {
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
  /** Orphans that were seen to, of which the registry does not know yet. */
  readonly #unsettled = new Map<string, { readonly token: number; readonly success: boolean }>();
  /** The virtual machine as it was last seen, for when the registry cannot be read. */
  #vm: VmView | null = null;

  /** @internal */
  constructor(source: Source, runtime: Runtime | undefined) {
    this.#registry = new SessionRegistry(source);
    this.#runtime = runtime;
    const owner = {
      vm: () => this.#vmAsKnown(),
      giveUp: (vmId: string) => this.unregisterVmSync(vmId),
    };
    this.#exit = new ExitTask(owner, runtime);
    new Retention(RENEWED_EVERY, {
      look: () => {
        this.#keepUp().catch(() => {
          // The next time comes soon enough, and whoever asks for something is told what is wrong.
        });
      },
      giveUp: () => {},
    });
  }

  /** The session that this process is: a UUID. Its threads are the same session. */
  get sessionId(): string {
    return this.#registry.session.sessionId;
  }

  /** The number of the process; `null` where there is none. */
  get pid(): number | null {
    return this.#registry.session.pid;
  }

  /** The machine's name; `null` where it is not known. */
  get hostname(): string | null {
    return this.#registry.session.hostname;
  }

  /** When the session began. */
  get createdAt(): string {
    return this.#registry.session.createdAt;
  }

  /** The registry as a URL, for `open`: `"registry:"`, or `"memory:"` where that cannot be opened. */
  get registry(): string {
    return this.#registry.url;
  }

  /** Why the registry could not be opened; `undefined` when it was. */
  get problem(): unknown {
    return this.#registry.problem;
  }

  /**
   * Makes this process the owner of a virtual machine. `false` if it owns another one, or if a session
   * that runs owns this one. For the one that it owns, what is said about it is replaced.
   */
  async registerVm(
    vmId: string,
    zone: string,
    components: readonly string[],
    metadata?: JsonObject,
  ): Promise<boolean> {
    this.#prepare();
    const vm = { vmId, zone, components, metadata };
    const isDone = await this.#registry.ask("vmRegister", (holder) => ({ ...vm, holder }));
    // Only to remember it: it is registered, whether it can be read now or not.
    if (isDone) await this.getMyVm().catch(() => null);
    return this.#counted(isDone, "vmsRegistered");
  }

  /** See {@link SessionManager.registerVm}. */
  registerVmSync(
    vmId: string,
    zone: string,
    components: readonly string[],
    metadata?: JsonObject,
  ): boolean {
    this.#prepare();
    const vm = { vmId, zone, components, metadata };
    const isDone = this.#registry.askSync("vmRegister", (holder) => ({ ...vm, holder }));
    if (isDone) this.#vmAsKnown();
    return this.#counted(isDone, "vmsRegistered");
  }

  /** The virtual machine that this process owns, or `null`. */
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
   * Says that the virtual machine of this process is gone: `false` if it owns none, or another than
   * `vmId`. Delete it first: nobody looks after one that nobody owns.
   */
  async unregisterVm(vmId?: string): Promise<boolean> {
    const isDone = await this.#registry.ask("vmUnregister", (holder) => ({ vmId, holder }));
    if (isDone) this.#vm = null;
    return this.#counted(isDone, "vmsUnregistered");
  }

  /** See {@link SessionManager.unregisterVm}. */
  unregisterVmSync(vmId?: string): boolean {
    const isDone = this.#registry.askSync("vmUnregister", (holder) => ({ vmId, holder }));
    if (isDone) this.#vm = null;
    return this.#counted(isDone, "vmsUnregistered");
  }

  /** The sessions that run on this machine, by their ids, with and without virtual machines. */
  async getAllActiveSessions(): Promise<Record<string, ActiveSession>> {
    return this.#registry.ask("activeSessions", () => ({}));
  }

  /** See {@link SessionManager.getAllActiveSessions}. */
  getAllActiveSessionsSync(): Record<string, ActiveSession> {
    return this.#registry.askSync("activeSessions", () => ({}));
  }

  /**
   * Removes the sessions that have ended, and says how many this call removed. Their virtual machines
   * are orphans. It happens by itself every hour, too.
   */
  async cleanupStaleSessions(): Promise<number> {
    return this.#cleaned(await this.#registry.ask("staleCleanup", () => ({})));
  }

  /** See {@link SessionManager.cleanupStaleSessions}. */
  cleanupStaleSessionsSync(): number {
    return this.#cleaned(this.#registry.askSync("staleCleanup", () => ({})));
  }

  /** The virtual machines whose owners have ended, also those that somebody is just seeing to. */
  async orphans(): Promise<VmView[]> {
    const orphans: VmView[] = [];
    for (;;) {
      const after = orphans.at(-1)?.vmId;
      const page = await this.#registry.ask("orphans", () => ({ limit: ORPHANS, after }));
      if (page.length === 0) return orphans;
      orphans.push(...page);
    }
  }

  /** See {@link SessionManager.orphans}. */
  orphansSync(): VmView[] {
    const orphans: VmView[] = [];
    for (;;) {
      const after = orphans.at(-1)?.vmId;
      const page = this.#registry.askSync("orphans", () => ({ limit: ORPHANS, after }));
      if (page.length === 0) return orphans;
      orphans.push(...page);
    }
  }

  /**
   * Sees to the orphans, one after the other and each once: deletes it by `run`, and takes it off the
   * list if that succeeds. Nobody else sees to one meanwhile.
   */
  async sweep(
    run: VmTask,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: SweepOptions = {},
  ): Promise<SweepResult> {
    const swept: VmView[] = [];
    const failed: { vm: VmView; error: unknown }[] = [];
    checkTask(run, timeoutMs);
    await this.#settle();
    for (const { vmId } of await this.orphans()) {
      const claim = await this.#registry.ask("orphanClaim", (holder) => ({ vmId, holder }));
      const { token, vm } = claim;
      if (token === null || vm === null) continue;
      let success = false;
      let error: unknown;
      try {
        success = await perform(run, vm, this.#runtime, timeoutMs);
      } catch (thrown) {
        error = thrown;
      }
      this.#unsettled.set(vmId, { token, success });
      if (success) swept.push(vm);
      else failed.push({ vm, error });
      await this.#settle();
    }
    return { swept, failed };
  }

  /**
   * Deletes the virtual machine of this process by `run` when the process ends, and gives it up if
   * that succeeds; otherwise it stays listed, as an orphan. Returns a function that takes this back;
   * to call it again replaces what was said before. It does nothing in browsers.
   */
  onExit(options: ExitOptions): () => void {
    return this.#exit.set(options);
  }

  /** What this manager has counted. Never fails. */
  getStatistics(): SessionManagerStatistics {
    const vm = this.#vmAsKnown();
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
  /** A registry that was busy or not there yet may be there now, when it comes to matter. */
  #prepare(): void {
    if (this.#vm === null) this.#registry.retry();
  }

  async #keepUp(): Promise<void> {
    this.#prepare();
    await this.#registry.renew();
    await this.cleanupStaleSessions();
  }

  /**
   * Says what came of orphans that were seen to. What fails here is said again by the next sweep: this
   * process runs, and so nobody else sees to them.
   */
  async #settle(): Promise<void> {
    for (const [vmId, done] of this.#unsettled) {
      await this.#registry.ask("orphanDone", () => ({ vmId, ...done }));
      this.#unsettled.delete(vmId);
    }
  }

  /** The virtual machine, by the registry or else by memory. */
  #vmAsKnown(): VmView | null {
    try {
      return this.getMyVmSync();
    } catch {
      return this.#vm;
    }
  }

  #counted(isDone: boolean, what: "vmsRegistered" | "vmsUnregistered"): boolean {
    if (isDone) this.#counts[what] += 1;
    return isDone;
  }

  #cleaned({ removed }: StaleCleanup): number {
    this.#counts.registryCleanups += 1;
    this.#counts.staleSessionsRemoved += removed;
    return removed;
  }
}

/** The functions by which an entry of the package gives its session manager. */
export interface SessionManagers {
  /** The session manager of this process, which is made when it is first asked for. Never fails. */
  readonly getSessionManager: () => SessionManager;
  /** Whether there is a session manager already. It makes none. */
  readonly isSessionManagerAvailable: () => boolean;
}

/** The session manager over a source of builds. */
export function sessionManagersOver(source: Source, runtime?: Runtime): SessionManagers {
  let manager: SessionManager | undefined;
  return {
    getSessionManager() {
      manager ??= new SessionManager(source, runtime);
      return manager;
    },
    isSessionManagerAvailable: () => manager !== undefined,
  };
}

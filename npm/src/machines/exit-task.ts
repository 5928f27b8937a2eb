/**
 * What a session manager does when its process ends: it deletes the virtual machine of the process,
 * and gives it up if that succeeds. When processes end, and how, is told by what surrounds it; Node's
 * is in `node-runtime.ts`.
 *
 * @module
 */

import type { VmView } from "../generated.js";
import type { Runtime } from "../runtime/runtime.js";
import { messageOf } from "../values/error.js";
import { checkTask, DEFAULT_TIMEOUT_MS, perform, performSync, type VmTask } from "./vm-task.js";

/** What is to be done at the end of the process. */
export interface ExitOptions {
  /**
   * Deletes the virtual machine. A function may return a promise, but at `process.exit()` and after an
   * uncaught exception nobody can wait for it: then only a command, or a function that returns at
   * once, can delete anything.
   */
  readonly run: VmTask;
  /**
   * Also when the process is ended by `SIGINT`, `SIGTERM` or `SIGHUP`, unless somebody else listens to
   * the signal too and so decides what it means. A second signal ends the process at once.
   */
  readonly signals?: boolean | undefined;
  /** How long a command may take, in milliseconds; 120,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** What the task needs of the session manager. */
export interface Owner {
  /** The virtual machine of this process, as far as it is known. */
  readonly vm: () => VmView | null;
  /** Gives it up. */
  readonly giveUp: (vmId: string) => void;
}

/** The end of a process, prepared. */
export class ExitTask {
  readonly #owner: Owner;
  readonly #runtime: Runtime | undefined;
  /** The last machine that was tried: each gets one chance. */
  #tried: string | undefined;
  /** What is under way: whoever else wants the process to end waits for it too. */
  #underWay: Promise<void> | undefined;
  #off: () => void = () => {};

  /** Nothing is done until `set` says what. */
  constructor(owner: Owner, runtime: Runtime | undefined) {
    this.#owner = owner;
    this.#runtime = runtime;
  }

  /** Does this from now on, instead of what was set before; returns what takes it back. */
  set(options: ExitOptions): () => void {
    const { run, signals = false, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    checkTask(run, timeoutMs);
    const soon = (): Promise<void> => {
      this.#underWay ??= this.#soon(run, timeoutMs).finally(() => {
        this.#underWay = undefined;
      });
      return this.#underWay;
    };
    const now = (): void => this.#now(run, timeoutMs);
    const off = this.#runtime?.onExit({ beforeExit: soon, exit: now }, signals) ?? (() => {});
    this.#off();
    this.#tried = undefined;
    this.#off = off;
    return off;
  }

  async #soon(run: VmTask, timeoutMs: number): Promise<void> {
    const vm = this.#next();
    if (vm === null) return;
    try {
      this.#ended(vm, await perform(run, vm, this.#runtime, timeoutMs));
    } catch (thrown) {
      warn(vm, messageOf(thrown));
    }
  }

  #now(run: VmTask, timeoutMs: number): void {
    const vm = this.#next();
    if (vm === null) return;
    try {
      this.#ended(vm, performSync(run, vm, this.#runtime, timeoutMs));
    } catch (thrown) {
      warn(vm, messageOf(thrown));
    }
  }

  #next(): VmView | null {
    const vm = this.#owner.vm();
    if (vm === null || vm.vmId === this.#tried) return null;
    this.#tried = vm.vmId;
    return vm;
  }

  #ended(vm: VmView, isDone: boolean): void {
    if (isDone) this.#owner.giveUp(vm.vmId);
    else warn(vm, "what was to delete it did not succeed");
  }
}

/** Nobody is left to catch anything, and a machine that stays costs money: the console has to do. */
function warn({ vmId, zone }: VmView, problem: string): void {
  console.warn(
    `tenure: the virtual machine ${vmId} in ${zone} stays listed as an orphan: ${problem}`,
  );
}

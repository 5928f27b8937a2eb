/**
 * The exit handler of a session manager: deletes the virtual machine of the process when the process
 * ends, and unregisters it if that succeeds. The runtime reports the end of the process.
 *
 * @module
 */

import type { VmView } from "../generated.js";
import type { Runtime } from "../runtime/runtime.js";
import { messageOf } from "../values/error.js";
import { checkOptions } from "../values/options.js";
import {
  checkTask,
  DEFAULT_TIMEOUT_MS,
  type FillCommand,
  perform,
  performSync,
  type VmTask,
} from "./vm-task.js";

/** Options of the exit handler. */
export interface ExitOptions {
  /**
   * Deletes the virtual machine. A function may return a promise, but at `process.exit()` and after
   * an uncaught exception it cannot be awaited: then only a command or a synchronous function
   * succeeds.
   */
  readonly run: VmTask;
  /**
   * Also run on `SIGINT`, `SIGTERM` and `SIGHUP`, unless the program has other listeners for the
   * signal, which then decide what it does. A second signal ends the process immediately.
   */
  readonly signals?: boolean | undefined;
  /** The timeout of a command, in milliseconds; 120,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/** The part of the session manager that the exit handler uses. */
export interface Owner {
  /** Returns the virtual machine of this process. */
  readonly vm: () => VmView | null;
  /** Unregisters it. */
  readonly unregister: (vmId: string) => void;
  /** Returns the arguments of a command that deletes it. */
  readonly fill: FillCommand;
}

/** Deletes the virtual machine of this process when the process ends. */
export class ExitTask {
  readonly #owner: Owner;
  readonly #runtime: Runtime | undefined;
  /** The last machine that was tried; each is tried once. */
  #tried: string | undefined;
  /** The running deletion. Further events that end the process wait for it too. */
  #running: Promise<void> | undefined;
  #remove: () => void = () => {};

  /** Does nothing until `set` is called. */
  constructor(owner: Owner, runtime: Runtime | undefined) {
    this.#owner = owner;
    this.#runtime = runtime;
  }

  /** Installs the handler in place of an earlier one. Returns a function that removes it. */
  set(options: ExitOptions): () => void {
    checkOptions(options, { run: "any", signals: "boolean", timeoutMs: "any" });
    const { run, signals = false, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    checkTask(run, timeoutMs);
    const beforeExit = (): Promise<void> => {
      this.#running ??= this.#runBeforeExit(run, timeoutMs).finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    };
    const exit = (): void => this.#runAtExit(run, timeoutMs);
    const remove = this.#runtime?.onExit({ beforeExit, exit }, signals) ?? (() => {});
    this.#remove();
    this.#tried = undefined;
    this.#remove = remove;
    return remove;
  }

  async #runBeforeExit(run: VmTask, timeoutMs: number): Promise<void> {
    const vm = this.#nextVm();
    if (vm === null) return;
    try {
      this.#finish(vm, await perform(run, vm, this.#runtime, this.#owner.fill, timeoutMs));
    } catch (thrown) {
      warn(vm, messageOf(thrown));
    }
  }

  #runAtExit(run: VmTask, timeoutMs: number): void {
    const vm = this.#nextVm();
    if (vm === null) return;
    try {
      this.#finish(vm, performSync(run, vm, this.#runtime, this.#owner.fill, timeoutMs));
    } catch (thrown) {
      warn(vm, messageOf(thrown));
    }
  }

  #nextVm(): VmView | null {
    const vm = this.#owner.vm();
    if (vm === null || vm.vmId === this.#tried) return null;
    this.#tried = vm.vmId;
    return vm;
  }

  #finish(vm: VmView, succeeded: boolean): void {
    if (succeeded) this.#owner.unregister(vm.vmId);
    else warn(vm, "its deletion did not succeed");
  }
}

/**
 * At exit an error cannot be thrown to anyone, and a machine that is left running costs money, so
 * it is logged.
 */
function warn({ vmId, zone }: VmView, problem: string): void {
  console.warn(
    `tenure: the virtual machine ${vmId} in ${zone} stays listed as an orphan: ${problem}`,
  );
}

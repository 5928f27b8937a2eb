/**
 * The task that deletes a virtual machine: a function, or a command, whose arguments the core makes.
 *
 * @module
 */

import type { VmView } from "../generated.js";
import type { Programs } from "../runtime/runtime.js";
import { invalidArgument } from "../values/error.js";
import { ignore, isThenable } from "../values/thenable.js";

/** A program and its arguments. They are not interpreted by a shell, so they need no quoting. */
export type VmCommand = readonly [program: string, ...args: string[]];

/**
 * Deletes a virtual machine. A function succeeds unless it returns `false`, throws or rejects. A
 * command, in whose arguments `{vmId}`, `{zone}` and `{session}` are replaced, succeeds if its exit
 * code is 0. It is refused if the program would parse one of them as an option.
 */
export type VmTask = ((vm: VmView) => unknown) | VmCommand;

/** Returns the arguments of a command for a machine, or throws if the machine's id is refused. */
export type FillCommand = (command: VmCommand, vm: VmView) => readonly string[];

/** The default timeout of a command, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 120_000;

/** Validates a task and its timeout. */
export function checkTask(task: unknown, timeoutMs: unknown): void {
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && Number.isFinite(timeoutMs)))
    throw invalidArgument("timeoutMs", "expected a number of milliseconds above 0");
  if (typeof task === "function") return;
  const isCommand = Array.isArray(task) && task.length > 0;
  if (isCommand && task.every((argument) => typeof argument === "string")) return;
  throw invalidArgument("run", "expected a function, or a list of a program and its arguments");
}

/** Performs a task. Returns whether it succeeded. */
export async function perform(
  task: VmTask,
  vm: VmView,
  programs: Programs | undefined,
  fill: FillCommand,
  timeoutMs: number,
): Promise<boolean> {
  if (typeof task === "function") return (await task(vm)) !== false;
  return requirePrograms(programs).run(fill(task, vm), timeoutMs);
}

/** Performs a task synchronously. A function that returns a promise does not succeed. */
export function performSync(
  task: VmTask,
  vm: VmView,
  programs: Programs | undefined,
  fill: FillCommand,
  timeoutMs: number,
): boolean {
  if (typeof task !== "function")
    return requirePrograms(programs).runSync(fill(task, vm), timeoutMs);
  const returned: unknown = task(vm);
  if (!isThenable(returned)) return returned !== false;
  ignore(returned);
  return false;
}

function requirePrograms(programs: Programs | undefined): Programs {
  if (programs === undefined)
    throw invalidArgument("run", "expected a function: there are no programs to run here");
  return programs;
}

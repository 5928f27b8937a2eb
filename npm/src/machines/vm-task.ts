/**
 * What is done about a virtual machine that nobody needs any more: a function, or a command that is
 * run for it.
 *
 * @module
 */

import type { VmView } from "../generated.js";
import type { Programs } from "../runtime/runtime.js";
import { invalidArgument } from "../values/error.js";

/** A program and its arguments. No shell reads them, and so nothing has to be quoted. */
export type VmCommand = readonly [program: string, ...args: string[]];

/**
 * Deletes a virtual machine. A function has done so unless it returns `false`, throws or rejects; a
 * command, in whose words `{vmId}` and `{zone}` are replaced, if it exits with 0.
 */
export type VmTask = ((vm: VmView) => unknown) | VmCommand;

/** How long a command may take unless `timeoutMs` says otherwise. */
export const DEFAULT_TIMEOUT_MS = 120_000;

/** Refuses what is no task, and no time for it. */
export function checkTask(task: unknown, timeoutMs: unknown): void {
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && Number.isFinite(timeoutMs)))
    throw invalidArgument("timeoutMs", "expected a number of milliseconds above 0");
  if (typeof task === "function") return;
  const isCommand = Array.isArray(task) && task.length > 0;
  if (isCommand && task.every((word) => typeof word === "string")) return;
  throw invalidArgument("run", "expected a function, or a list of a program and its arguments");
}

/** Performs a task; whether it was done. */
export async function perform(
  task: VmTask,
  vm: VmView,
  programs: Programs | undefined,
  timeoutMs: number,
): Promise<boolean> {
  if (typeof task === "function") return (await task(vm)) !== false;
  return needed(programs).run(wordsFor(task, vm), timeoutMs);
}

/** Performs a task at once. What a function only promises is not done. */
export function performSync(
  task: VmTask,
  vm: VmView,
  programs: Programs | undefined,
  timeoutMs: number,
): boolean {
  if (typeof task !== "function") return needed(programs).runSync(wordsFor(task, vm), timeoutMs);
  const returned: unknown = task(vm);
  if (!(returned instanceof Promise)) return returned !== false;
  returned.catch(() => {});
  return false;
}

function wordsFor(command: VmCommand, { vmId, zone }: VmView): readonly string[] {
  const values: Readonly<Record<string, string>> = { "{vmId}": vmId, "{zone}": zone };
  return command.map((word) => word.replace(/\{vmId\}|\{zone\}/g, (name) => values[name] ?? name));
}

function needed(programs: Programs | undefined): Programs {
  if (programs === undefined)
    throw invalidArgument("run", "expected a function: there are no programs to run here");
  return programs;
}

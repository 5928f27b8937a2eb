/**
 * The runtime of the session manager in Node: runs programs, and reports the end of the process.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { isMainThread } from "node:worker_threads";
import { invalidArgument } from "../values/error.js";
import type { ExitHandler, Runtime } from "./runtime.js";

/** The signals that end a process by default. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How long a program may take to end by itself after its timeout, before it is killed. */
const GRACE_MS = 10_000;

/** Node. */
export const nodeRuntime: Runtime = { run, runSync, onExit };

function run([program = "", ...args]: readonly string[], timeout: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    let isLate = false;
    // The timer of `spawn` would keep the process alive if the program cannot be started.
    let timer = setTimeout(() => {
      isLate = true;
      child.kill();
      timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    }, timeout);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0 && !isLate);
    });
  });
}

function runSync([program = "", ...args]: readonly string[], timeout: number): boolean {
  // Nothing here could kill one later that goes on after SIGTERM.
  const options = { stdio: "inherit", timeout, killSignal: "SIGKILL" } as const;
  const { error, status } = spawnSync(program, args, options);
  if (error) throw error;
  return status === 0;
}

function onExit(handler: ExitHandler, signals: boolean): () => void {
  if (!isMainThread) {
    // The end of a worker is not the end of the process.
    throw invalidArgument("onExit", "expected to be called in the process's main thread");
  }
  let isEnding = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    const isAlone = process.listenerCount(signal) === 1;
    if (!isEnding && !isAlone) return;
    const end = (): void => {
      off();
      process.kill(process.pid, signal);
    };
    if (isEnding) end();
    else void handler.beforeExit().finally(end);
    isEnding = true;
  };
  const off = (): void => {
    process.off("beforeExit", handler.beforeExit);
    process.off("exit", handler.exit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  process.on("beforeExit", handler.beforeExit);
  process.on("exit", handler.exit);
  if (signals) for (const signal of SIGNALS) process.on(signal, onSignal);
  return off;
}

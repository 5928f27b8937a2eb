// A registry for tests, which no other process of this machine uses, and what a process sees in it.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ActiveSession, VmView } from "tenure";
import { lastingFolder, newFolder } from "./folders.js";

/** What makes a process use this registry, as variables of its environment. */
export interface Registry {
  readonly XDG_RUNTIME_DIR: string;
}

/** A registry of its own. */
export function newRegistry(): Registry {
  return { XDG_RUNTIME_DIR: newFolder() };
}

/** A registry for this very process and all tests of a file. */
export function ownRegistry(): void {
  process.env.XDG_RUNTIME_DIR = lastingFolder();
}

/** The folder from which scripts find the package. */
const folder = fileURLToPath(new URL("..", import.meta.url));

/** How Node runs a script as a module that has the session manager at hand. */
export const nodeArguments = (script: string): string[] => [
  "--input-type=module",
  "--eval",
  `import { getSessionManager } from "tenure"; const manager = getSessionManager(); ${script}`,
];

/** How a process that uses a registry is started. */
export const nodeOptions = (registry: object) => ({
  cwd: folder,
  env: { ...process.env, TENURE_BINDING: "native", ...registry },
});

/** Runs a script that has a `manager` to its end. */
export function runScript(registry: object, script: string): SpawnSyncReturns<string> {
  const options = { ...nodeOptions(registry), encoding: "utf8", timeout: 30_000 } as const;
  return spawnSync(process.execPath, nodeArguments(script), options);
}

/** What a new process sees in a registry: the sessions that run, with its own, and the orphans. */
export function registryView(registry: object): {
  readonly sessions: Readonly<Record<string, ActiveSession>>;
  readonly orphans: readonly VmView[];
} {
  const { stdout, stderr } = runScript(
    registry,
    `const view = { sessions: manager.getAllActiveSessionsSync(), orphans: manager.orphansSync() };
     console.log(JSON.stringify(view));`,
  );
  if (stderr !== "") throw new Error(stderr);
  return JSON.parse(stdout);
}

// A separate registry for tests, and what a process sees in it.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ActiveSession, VmView } from "tenure";
import { lastingFolder, newFolder } from "./folders.js";

/** The environment variables that make a process use this registry. */
export interface Registry {
  readonly XDG_STATE_HOME: string;
  /** The folder of the registry of earlier versions, which there is none of. */
  readonly XDG_RUNTIME_DIR: string;
}

/** Creates a new registry. */
export function newRegistry(): Registry {
  return registryIn(newFolder());
}

/** A registry for this process and all tests of a file. */
export function ownRegistry(): void {
  Object.assign(process.env, registryIn(lastingFolder()));
}

const registryIn = (folder: string): Registry => ({
  XDG_STATE_HOME: folder,
  XDG_RUNTIME_DIR: join(folder, "runtime"),
});

/** The folder from which scripts resolve the package. */
const folder = fileURLToPath(new URL("..", import.meta.url));

/** The arguments of Node to run a script as a module that has the session manager as `manager`. */
export const nodeArguments = (script: string): string[] => [
  "--input-type=module",
  "--eval",
  `import { getSessionManager } from "tenure"; const manager = getSessionManager(); ${script}`,
];

/** The options to start a process that uses a registry. */
export const nodeOptions = (registry: object) => ({
  cwd: folder,
  env: { ...process.env, TENURE_BINDING: "native", ...registry },
});

/** Runs a script that has a `manager` to its end. */
export function runScript(registry: object, script: string): SpawnSyncReturns<string> {
  const options = { ...nodeOptions(registry), encoding: "utf8", timeout: 30_000 } as const;
  return spawnSync(process.execPath, nodeArguments(script), options);
}

/** What a new process sees in a registry: the active sessions, with its own, and the orphans. */
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

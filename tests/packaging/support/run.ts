// Runs programs in the projects, in a clean environment.

import { type ChildProcess, spawn } from "node:child_process";

export interface Outcome {
  /** The exit code, or the signal that ended the program. */
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of a successful program without error output. */
export const ok = (stdout: string): Outcome => ({ status: 0, stdout, stderr: "" });

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a script with this Node to its end. */
export function node(
  folder: string,
  args: readonly string[],
  { env = {}, timeoutMs = 60_000 }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawnNode(folder, args, env);
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ status: signal ?? code, stdout: stdout.trim(), stderr: stderr.trim() });
    });
  });
}

/** Starts a script with this Node. */
export function spawnNode(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, args, {
    cwd,
    env: { ...environment(), NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The environment of a shell, without the variables that test runners and npm set. */
export function environment(): NodeJS.ProcessEnv {
  const own = /^(npm_|VITE|TENURE_|NODE_|(TEST|DEV|PROD|MODE|SSR|BASE_URL|FORCE_COLOR)$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

// Stores behind a server: one in this process, over any store, and the command `tenure ui`.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { open, Sessions } from "tenure";
import { afterEach } from "vitest";

type Target = Parameters<typeof open>[0];
type OpenOptions = Parameters<typeof open>[1];
type Opening = (target: Target, options?: OpenOptions) => Promise<Sessions>;

/** Opens a new store behind a server. The options that a server has are those of its store. */
export function openerOf(
  opening: Opening,
  newStore: () => Target,
): (options?: OpenOptions) => Promise<Sessions> {
  return async ({ limits, redact, fenced, ...own } = {}) => {
    const store = await opening(newStore(), { limits, redact, fenced });
    const { url, token } = await store.serve();
    return opening(url, { ...own, token });
  };
}

/** A server that runs as a command. */
export interface Ui {
  readonly url: string;
  readonly token: string;
  readonly child: ChildProcess;
  /** Ends it at once. */
  kill(): Promise<void>;
}

/** The command of the package. */
export const command = fileURLToPath(new URL("../../npm/bin/tenure", import.meta.url));
const run = promisify(execFile);
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

/** The URL of a new SQLite store in a folder. A server serves only what is there. */
export async function newSqlite(folder: string): Promise<string> {
  const store = `sqlite:${join(folder, "tenure.db")}`;
  await run(command, ["copy", "memory:", store]);
  return store;
}

/** Starts `tenure ui` with these arguments besides `--json`. */
export async function startUi(...args: readonly string[]): Promise<Ui> {
  const child = spawn(command, ["ui", "--json", ...args], { stdio: ["ignore", "pipe", "ignore"] });
  running.add(child);
  const [line] = await once(createInterface(child.stdout), "line");
  const { url, token = "" } = JSON.parse(line);
  return {
    url,
    token,
    child,
    async kill() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

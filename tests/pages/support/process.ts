// A browser as a separate process, which can be killed and whose profile persists.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright";
import { executable, switches } from "./site.js";

/** A folder for a browser's profile; `remove` deletes it. */
export async function newProfile(): Promise<{
  readonly path: string;
  remove(): Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), "tenure-profile-"));
  return {
    path,
    // Child processes of a killed browser may need a moment to end.
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}

export interface OwnBrowser {
  readonly browser: Browser;
  /** Kills the browser, as in a crash. */
  kill(): Promise<void>;
}

/** Starts a browser with this profile. */
export async function startOwn(profile: string): Promise<OwnBrowser> {
  const program = executable.executablePath ?? chromium.executablePath();
  const own = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
  const child = spawn(program, [...switches, ...own, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const ended = once(child, "exit");
  try {
    const browser = await chromium.connectOverCDP(await addressOf(child));
    return {
      browser,
      async kill() {
        killGroup(child);
        await ended;
      },
    };
  } catch (thrown) {
    killGroup(child);
    throw thrown;
  }
}

/** Kills a browser and its child processes, which use the profile, too. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** The debugging URL of a browser, which it prints when it has started. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the browser did not start:\n${said}`)));
  });
}

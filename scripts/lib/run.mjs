// Runs programs. Their output is shown, or kept until they fail. Nothing here waits for a terminal.

import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { root } from "./paths.mjs";

/** A problem that the user can fix, with instructions in its message. */
export class Problem extends Error {}

/** A program that failed, with its output. */
export class CommandFailed extends Error {
  constructor(command, args, reason, output) {
    super(`${[command, ...args].join(" ")} ${reason}`);
    this.output = output;
  }
}

/** Kills the running programs with their child processes. */
const enders = new Set();

/** The destination of output that is shown immediately. */
export const terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/**
 * Runs a program to its end, and returns its output: everything as `output`, and the standard
 * output as `stdout`.
 *
 * `show` receives the output while it is printed: `terminal`, or any object with `out` and `err`.
 * With `data`, the standard output is not shown, because it is for programs. A program that exceeds
 * `timeoutMs` is killed with all its child processes.
 */
export function run(command, args, { env = {}, cwd = root, show, data = false, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    // With a process group of its own, the program can be killed with its child processes.
    const ownGroup = timeoutMs !== undefined && process.platform !== "win32";
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: ownGroup,
    });
    let output = "";
    let stdout = "";
    let reason;
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      if (!data) output += text;
      if (!data) show?.out(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
      show?.err(text);
    });

    const end = () => {
      try {
        if (ownGroup) process.kill(-child.pid, "SIGKILL");
        else child.kill("SIGKILL");
      } catch {
        // The program has ended in the meantime.
      }
    };
    const timer =
      timeoutMs &&
      setTimeout(() => {
        reason = `took longer than ${timeoutMs / 1000} s`;
        end();
      }, timeoutMs);
    if (ownGroup) endTogether(end);
    const finish = () => {
      clearTimeout(timer);
      if (ownGroup) endAlone(end);
    };

    child.once("error", (error) => {
      finish();
      reject(new CommandFailed(command, args, `did not start: ${error.message}`, output));
    });
    child.once("close", (code, signal) => {
      finish();
      if (code === 0) resolve({ output, stdout });
      else {
        reason ??= signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
        reject(new CommandFailed(command, args, reason, output));
      }
    });
  });
}

/** Kills a program when this script ends. */
function endTogether(end) {
  if (enders.size === 0) process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  enders.add(end);
}

function endAlone(end) {
  enders.delete(end);
  if (enders.size === 0) process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
}

function interrupted() {
  for (const end of enders) end();
  process.exit(130);
}

/** The output of a short program; `undefined` if it does not exist or fails. */
export function probe(command, args, { env = {}, timeoutMs = 30_000 } = {}) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
    timeout: timeoutMs,
  });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Hands the terminal to a program and returns its exit code. */
export function handOver(command, args, { env = {}, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
    // The program handles interrupts; this script only waits for it.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(signal ? 1 : code);
    });
  });
}

/** The arguments that run a program of an npm package with this Node, on every platform. */
export function nodeTool(packageName, binName = packageName, from = root) {
  const require = createRequire(join(from, "package.json"));
  const manifest = require.resolve
    .paths(packageName)
    .map((dir) => join(dir, packageName, "package.json"))
    .find((path) => {
      try {
        return require.resolve(path);
      } catch {
        return false;
      }
    });
  if (!manifest) throw new Problem(`the npm package ${packageName} is not installed: run npm ci`);
  const { bin } = require(manifest);
  return [process.execPath, join(dirname(manifest), typeof bin === "string" ? bin : bin[binName])];
}

/** Runs the main function of a script. An error becomes a readable message and an exit code, and ends what still runs. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    process.exitCode = 1;
    report(error);
    for (const end of enders) end();
  }
}

/** Prints an error, and the end of the output if a program failed. */
export function report(error, show = terminal) {
  if (error instanceof CommandFailed) {
    const lines = error.output.trimEnd().split("\n");
    const kept = lines.slice(-80);
    if (kept.length < lines.length)
      show.err(`(the last ${kept.length} of ${lines.length} lines)\n`);
    show.err(`${kept.join("\n")}\n\nfailed: ${error.message}\n`);
  } else if (error instanceof Problem) show.err(`\n${error.message}\n`);
  else show.err(`${inspect(error)}\n`);
}

// The skills of the agent in agent.mjs: the steps of a survey, and the commands that they run. This
// file does not use sessions.

import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A command and how its output is parsed. The recorded value is as small as possible.
 * @typedef {{ tool: string, args: string[], read: (output: string) => unknown }} Call
 */

/**
 * The result of a call: a value, or an error.
 * @typedef {{ value?: any, error?: string }} Result
 */

/**
 * A step: its calls, and the conclusion from their values.
 * @typedef {{ calls: Call[], conclude: (...values: any[]) => string }} Step
 */

/** The steps by name, in order. @type {Record<string, Step>} */
export const steps = {
  layout: {
    calls: [call("ls -1", lines)],
    conclude: (names) => `${names.length} entries at the top, from ${names[0]} to ${names.at(-1)}`,
  },
  history: {
    calls: [call("git rev-list --count HEAD", Number), call("git log -1 --format=%cs", String)],
    conclude: (commits, day) => `${count(commits, "commit")}, the last on ${day}`,
  },
  files: {
    calls: [call("git ls-files", byExtension)],
    conclude: (kinds) => `mostly ${top(kinds, 4).join(", ")}`,
  },
  rust: {
    calls: [call("git grep -c ^ -- *.rs", counts), call("git grep -c #\\[test\\] -- *.rs", counts)],
    conclude: (source, tests) => `${size(source)}; ${count(tests.sum, "test")}`,
  },
  typescript: {
    calls: [
      call("git grep -c ^ -- *.ts", counts),
      call("git grep -cE \\bit\\( -- *.test.ts", counts),
    ],
    conclude: (source, tests) => `${size(source)}; ${count(tests.sum, "test")}`,
  },
  crates: {
    calls: [call("cargo metadata --no-deps --offline --format-version 1", crates)],
    conclude: (names) => `${count(names.length, "crate")}: ${names.join(", ")}`,
  },
  changes: {
    calls: [call("git log -n 200 --format= --name-only", frequency)],
    conclude: (files) => `changed most often: ${top(files, 2).join(", ")}`,
  },
  documents: {
    calls: [call("wc -w README.md", words), call("wc -w CHANGELOG.md", words)],
    conclude: (readme, changelog) => `${readme} words of README, ${changelog} of CHANGELOG`,
  },
};

/**
 * Runs a command. A failure is a result as well: the repository may have no history, the machine no
 * cargo.
 * @param {Call} call
 * @param {string} workspace
 * @returns {Promise<Result>}
 */
export function run({ tool, args, read }, workspace) {
  return new Promise((resolve) => {
    execFile(
      tool,
      args,
      { cwd: workspace, timeout: 10_000, maxBuffer: 32 << 20 },
      (error, output, complaint) => {
        if (!error) resolve({ value: read(output.trim()) });
        else resolve({ error: (complaint || error.message).trim().split("\n")[0] ?? tool });
      },
    );
  });
}

/**
 * The conclusion of a step.
 * @param {Step} step
 * @param {Result[]} results
 */
export function conclude(step, results) {
  const failed = results.find(({ error }) => error !== undefined);
  return failed ? `unknown: ${failed.error}` : step.conclude(...results.map(({ value }) => value));
}

/** Stands in for the model that an agent asks what to do next. */
export const think = () => sleep(25);

/**
 * A call of a command that has no spaces within its arguments.
 * @param {string} command
 * @param {(output: string) => unknown} read
 * @returns {Call}
 */
function call(command, read) {
  const [tool = "", ...args] = command.split(" ");
  return { tool, args, read };
}

/** @param {string} output */
function lines(output) {
  return output.split("\n").filter((line) => line !== "");
}

/** @param {string} output */
function words(output) {
  return Number.parseInt(output, 10);
}

/** The 20 most frequent lines, with their counts. @param {string} output */
function frequency(output) {
  return tally(lines(output));
}

/** The number of files of each kind. @param {string} output */
function byExtension(output) {
  return tally(lines(output).map((path) => /[^/]\.(\w+)$/.exec(path)?.[1] ?? "other"));
}

/** The names of a workspace's crates. @param {string} output */
function crates(output) {
  /** @type {{ packages: { name: string }[] }} */
  const { packages } = JSON.parse(output);
  return packages.map(({ name }) => name);
}

/** The sum of the counts of `git grep -c`. @param {string} output */
function counts(output) {
  const files = lines(output).map((line) => Number(line.slice(line.lastIndexOf(":") + 1)));
  return { files: files.length, sum: files.reduce((sum, n) => sum + n, 0) };
}

/** @param {string[]} names @returns {Record<string, number>} */
function tally(names) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return Object.fromEntries([...found].sort(([, a], [, b]) => b - a).slice(0, 20));
}

/** @param {Record<string, number>} found @param {number} limit */
function top(found, limit) {
  const entries = Object.entries(found).slice(0, limit);
  return entries.map(([name, times]) => `${name} (${times})`);
}

/** @param {{ files: number, sum: number }} counted */
function size({ files, sum }) {
  return `${count(sum, "line")} in ${count(files, "file")}`;
}

/** @param {number} n @param {string} what */
function count(n, what) {
  return `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
}

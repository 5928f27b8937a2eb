// Runs the agent in a separate process and reads the records that it acknowledges.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../agent.mjs", import.meta.url));
const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A record that the agent has acknowledged.
 * @typedef {{ sequence: number, type: string, text: string }} Acknowledged
 */

/**
 * An agent that has ended.
 * @typedef {{ pid: number, acknowledged: Acknowledged[], code: number | null, signal: string | null, ms: number }} Ended
 */

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * Runs the agent to its end. `onRecord` is called for each record, and may `kill` the agent with
 * SIGKILL.
 * @param {Record<string, string>} options
 * @param {(record: Acknowledged, kill: () => void) => void} onRecord
 * @returns {Promise<Ended>}
 */
export async function runAgent(options, onRecord) {
  const args = Object.entries({ repository, ...options }).flatMap(([k, v]) => [`--${k}`, v]);
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaint += text;
  });
  /** @type {Acknowledged[]} */
  const acknowledged = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, sequence, type, text] = /^#(\d+) (\S+) (.*)$/.exec(line) ?? [];
    if (sequence === undefined || type === undefined || text === undefined) return;
    const record = { sequence: Number(sequence), type, text };
    acknowledged.push(record);
    onRecord(record, () => child.kill("SIGKILL"));
  });
  const { code, signal } = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  running.delete(child);
  if (code !== 0 && signal !== "SIGKILL") {
    throw new Error(`the agent ended with ${signal ?? `exit code ${code}`}\n${complaint}`);
  }
  return { pid: child.pid ?? 0, acknowledged, code, signal, ms: performance.now() - started };
}

/** Kills the running agents, when the demo has to end early. */
export function killAgents() {
  for (const child of running) child.kill("SIGKILL");
}

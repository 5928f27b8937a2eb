// The demo: `npm start`. It runs the agent of agent.mjs on this repository, kills it half-way with
// SIGKILL, starts it again, answers its question, and shows the result: the timeline, the
// statistics, the webhooks, and whether the crash has lost anything. It fails if it has. On a terminal it
// then serves the web UI with these sessions, until Ctrl-C.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { open } from "tenure";
import { killAgents, runAgent } from "./demo/agent-process.mjs";
import { interruption, statements } from "./demo/proof.mjs";
import { startReceiver } from "./demo/receiver.mjs";
import { showStatistics, showTimeline, showWebhooks } from "./demo/report.mjs";
import {
  bold,
  cyan,
  dim,
  green,
  print,
  printParts,
  red,
  seconds,
  section,
  yellow,
} from "./demo/screen.mjs";

/**
 * @typedef {import("tenure").Session} Session
 * @typedef {import("./demo/agent-process.mjs").Acknowledged} Acknowledged
 */

const usage = `Usage: npm start -- [options]

Runs a small agent on this repository, kills it half-way and starts it again.
On a terminal the web UI is then served with its sessions, until Ctrl-C.

  --once    ask nothing, and end: the agent's question is answered with yes
  --keep    keep the database and say where it is
  --help    print this
`;

/** How long the agent's question waits for an answer from the terminal. */
const answerTimeoutMs = 15_000;
/** The timeout of the demo. */
const limitMs = 120_000;

const options = readArguments();
/** Whether a person is there, to answer the agent's question and to look at the web UI. */
const isAttended = !options.once && process.stdin.isTTY && process.stdout.isTTY;
const place = await mkdtemp(join(tmpdir(), "tenure-demo-"));
const database = join(place, "tenure.db");
const receiver = await startReceiver();
const limit = setTimeout(() => leave(`the demo took longer than ${seconds(limitMs)}`), limitMs);
const interrupted = () => leave("interrupted");
process.once("SIGINT", interrupted);
// The program that reads the output may end first.
process.stdout.once("error", () => leave("its output was closed"));

const sessions = await open(`sqlite:${database}`);
try {
  process.exitCode = await play();
  clearTimeout(limit);
  if (isAttended) await serve();
} catch (error) {
  print();
  console.error(`The demo failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  clearTimeout(limit);
  await sessions.close();
  receiver.close();
  if (options.keep) console.log(`\nThe database is ${database}`);
  else await rm(place, { recursive: true, force: true });
}

/** Runs the demo. Returns the exit code. */
async function play() {
  const agent = {
    store: `sqlite:${database}`,
    report: join(place, "survey.md"),
    user: "ada",
    webhook: receiver.url,
  };
  print("Tenure: an agent is killed half-way, and continues", bold);

  section("An agent surveys this repository", "its first process");
  let first = await runAgent(agent, killHalfWay());
  while (first.signal !== "SIGKILL") {
    // On a busy machine the kill may be too late.
    print("   the agent was faster than the kill: once more, from the beginning", dim);
    await sessions.delete((await theSession()).id);
    receiver.payloads.length = 0;
    first = await runAgent(agent, killHalfWay());
  }
  const killed = await theSession();
  const { interrupted } = interruption(killed);
  const where = interrupted ? `in the middle of "${interrupted}"` : "between two steps";
  print(` ✗ SIGKILL ${where}, after ${seconds(first.ms)}`, red);
  print(`   ${killed.history.length} events are in the database; no code ran to save them`, dim);

  section("It is started again", "a second process");
  print(`   finds ${killed.id}: ${killed.status}, ${used(killed)}`, dim);
  await runAgent(agent, show);
  const paused = await theSession();
  print(` ? ${paused.context.pauseReason}`, yellow);
  print("   the session is paused, and the process has ended", dim);

  const answer = await ask(`   yes or no, yes in ${answerTimeoutMs / 1000} s: `);
  section(`The answer is ${answer}`, "a third process");
  await runAgent({ ...agent, answer }, show);
  const ended = await theSession();

  section("Another survey gets three iterations", "a fourth process");
  await runAgent({ ...agent, user: "grace", iterations: "3" }, show);
  const [short] = (await sessions.list({ userId: "grace" })).items;
  if (short?.status !== "timeout") throw new Error("the second survey went beyond its iterations");
  print(` ⧗ ${short.status}: ${used(short)}, so the agent stops`, yellow);

  showTimeline(ended, { killed: killed.history.length, paused: paused.history.length });
  await showStatistics(sessions, ["ada", "grace"]);
  showWebhooks(receiver);
  return judge(first.acknowledged, killed, ended);
}

/** Serves the web UI with the sessions of the demo, until Ctrl-C. */
async function serve() {
  section("The web UI", "Ctrl-C ends it");
  await buildPage();
  const server = await sessions.serve();
  // It is longer than a line, and must not be cut.
  console.log(cyan(` ${server.url}?token=${server.token}`));
  process.off("SIGINT", interrupted);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await server.close();
}

/** Builds the page of the web UI, unless it is built already. */
async function buildPage() {
  const script = fileURLToPath(new URL("../scripts/build.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, "wasm-browser", "ui-served"], {
    stdio: "inherit",
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error("the web UI was not built");
}

/** Shows what the agent does and kills it in a step of the first half, at a random moment. */
function killHalfWay() {
  const after = 9 + Math.floor(Math.random() * 8);
  let doomed = false;
  return (/** @type {Acknowledged} */ record, /** @type {() => void} */ kill) => {
    show(record);
    const busy = record.type === "iteration" || record.type === "tool_call";
    if (doomed || !busy || record.sequence < after) return;
    doomed = true;
    void sleep(Math.random() * 50).then(kill);
  };
}

/** Shows a record if it is of interest to the user. @param {Acknowledged} record */
function show({ type, text }) {
  if (type === "resume") print(` ↻ resumed ${text}`, cyan);
  if (type === "complete") print(` ✓ ${text}`, green);
  if (type !== "learning") return;
  const [name = "", insight = ""] = splitAt(text, ": ");
  printParts([" ✓ ", green], [name.padEnd(11)], [insight, dim]);
}

/** The agent's session with its complete history, read by this process from the same file. */
async function theSession() {
  const [head] = (await sessions.list({ userId: "ada" })).items;
  const session = head && (await sessions.get(head.id, { history: "all" }));
  if (!session) throw new Error("the agent's session is not in the database");
  return session;
}

/**
 * Prints which statements hold. @param {Acknowledged[]} acknowledged @param {Session} killed @param
 * {Session} ended
 */
function judge(acknowledged, killed, ended) {
  const payloads = receiver.payloads.filter(({ session }) => session.id === ended.id);
  const found = statements({ acknowledged, killed, ended, payloads });
  section("What the crash has cost");
  for (const { holds, text } of found) printParts(holds ? [" ✓ ", green] : [" ✗ ", red], [text]);
  const broken = found.filter(({ holds }) => !holds).length;
  print();
  if (broken === 0)
    print("Nothing that was recorded was lost, and none of it was done again.", green);
  else print(`${broken} of ${found.length} statements do not hold: this is a bug in Tenure.`, red);
  return broken === 0 ? 0 : 1;
}

/**
 * Asks the user at the terminal, if there is one and `--once` was not given. @param {string}
 * question
 */
async function ask(question) {
  if (!isAttended) return "yes";
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  terminal.once("SIGINT", interrupted);
  try {
    const said = await terminal.question(question, {
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    return said.trim().toLowerCase().startsWith("n") ? "no" : "yes";
  } catch {
    print();
    return "yes";
  } finally {
    terminal.close();
  }
}

function readArguments() {
  try {
    const flag = /** @type {const} */ ({ type: "boolean", default: false });
    const { values } = parseArgs({ options: { once: flag, keep: flag, help: flag } });
    if (!values.help) return values;
    process.stdout.write(usage);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

/** Ends the demo early. @param {string} reason */
function leave(reason) {
  killAgents();
  console.error(`\nThe demo ends: ${reason}`);
  rmSync(place, { recursive: true, force: true });
  process.exit(1);
}

/** @param {import("tenure").SessionHead} session */
function used({ iterations, maxIterations }) {
  return `${iterations} of ${maxIterations} iterations used`;
}

/** @param {string} text @param {string} separator */
function splitAt(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

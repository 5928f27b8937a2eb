// An agent that survives being killed. It surveys a repository step by step, runs commands as its
// tools, and records everything in a session: its plan, its tool calls, its insights and its
// question. Started again, it finds its session and continues it.
//
//   node examples/agent.mjs                     starts or continues; stops when it has a question
//   node examples/agent.mjs --answer yes        continues with the answer
//
// The survey itself is in survey.mjs. This file has all the code that uses Tenure.

import { writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { open } from "tenure";
import { conclude, run, steps, think } from "./survey.mjs";

/**
 * The state that the agent stores in its session's context.
 * @typedef {{ plan: string[], findings: Record<string, string>, report: string, answer?: string }} State
 */

const { values: options } = parseArgs({
  options: {
    store: { type: "string", default: "sqlite:./tenure.db" },
    repository: { type: "string", default: "." },
    report: { type: "string", default: "survey.md" },
    user: { type: "string", default: "me" },
    iterations: { type: "string", default: "20" },
    webhook: { type: "string" },
    answer: { type: "string" },
  },
});

const sessions = await open(options.store, { webhook: options.webhook });
try {
  const id = (await recover()) ?? (await begin());
  try {
    await work(id);
  } catch (error) {
    await sessions.fail(id, error instanceof Error ? error : String(error));
    throw error;
  }
} finally {
  // Waits for pending webhooks.
  await sessions.close();
}

/** Starts a session. The plan is part of it, so that it stays the same after a restart. */
async function begin() {
  const workspace = resolve(options.repository);
  /** @type {State} */
  const context = { plan: Object.keys(steps), findings: {}, report: resolve(options.report) };
  const { id, task, eventCount } = await sessions.start({
    task: `Survey the repository ${basename(workspace)}`,
    mode: "survey",
    userId: options.user,
    workspace,
    maxIterations: Number(options.iterations),
    context,
  });
  log(eventCount, "start", task);
  return id;
}

/** Resumes the session that waits for this user, or an orphaned one, whose process has ended. */
async function recover() {
  const { items } = await sessions.list({
    mode: "survey",
    userId: options.user,
    status: ["active", "paused"],
    limit: 1,
  });
  const found = items[0];
  if (!found || !(await sessions.isResumable(found.id))) return undefined;
  if (options.answer) await sessions.updateContext(found.id, { answer: options.answer });
  const { id, eventCount } = await sessions.resume(found.id);
  log(eventCount, "resume", `at iteration ${found.iterations} of ${found.maxIterations}`);
  return id;
}

/**
 * Continues the session from any state: right after its start, or in the middle of a step. @param
 * {string} id
 */
async function work(id) {
  const known = await sessions.context(id);
  if (!known?.workspace) throw new Error(`session ${id} has no workspace`);
  const { plan, findings, report, answer } = /** @type {State} */ (known.context);

  for (const name of plan.filter((name) => !(name in findings))) {
    const step = steps[name];
    if (!step) throw new Error(`there is no step ${name}`);
    // A step that was started before a crash is not counted twice: the key makes the call
    // idempotent.
    const key = { idempotencyKey: `begin ${name}` };
    const begun = await sessions.incrementIteration(id, { step: name }, key);
    log(begun.lastSequence, "iteration", name);

    const results = recorded(known, name);
    for (const call of step.calls.slice(results.length)) {
      await think();
      const result = await run(call, known.workspace);
      const args = { command: [call.tool, ...call.args].join(" ") };
      const { lastSequence } = await sessions.recordToolCall(id, call.tool, args, result);
      log(lastSequence, "tool_call", args.command);
      results.push(result);
    }

    const insight = conclude(step, results);
    const once = { idempotencyKey: `learn ${name}` };
    const { lastSequence } = await sessions.recordLearning(id, insight, report, once);
    log(lastSequence, "learning", `${name}: ${insight}`);
    findings[name] = insight;
    await sessions.updateContext(id, { findings });

    // The last iteration of the budget has made the session `timeout`: a person has to look at it.
    if (begun.status === "timeout") return;
  }

  if (answer === undefined) {
    const { eventCount } = await sessions.pause(
      id,
      `May I write the survey to ${basename(report)}?`,
    );
    log(eventCount, "pause", "waits for an answer");
    return;
  }
  if (answer === "yes") await writeFile(report, written(known.task, findings));
  const result = answer === "yes" ? `wrote ${basename(report)}` : "was not allowed to write";
  const { eventCount } = await sessions.complete(id, `${plan.length} steps, ${result}`);
  log(eventCount, "complete", result);
}

/**
 * The recorded results of the tools in an interrupted step. These calls are not repeated.
 * @param {import("tenure").SessionContext} known
 * @param {string} name
 */
function recorded({ recentHistory }, name) {
  const begun = recentHistory.findLastIndex(({ type }) => type === "iteration");
  if (recentHistory[begun]?.data.step !== name) return [];
  const calls = recentHistory.slice(begun).filter(({ type }) => type === "tool_call");
  return calls.map(({ data }) => /** @type {import("./survey.mjs").Result} */ (data.result));
}

/** @param {string} task @param {Record<string, string>} findings */
function written(task, findings) {
  const items = Object.entries(findings).map(([name, insight]) => `- **${name}**: ${insight}\n`);
  return `# ${task}\n\n${items.join("")}`;
}

/**
 * Prints what has been recorded, and under which number: a record that is printed survives a crash.
 * @param {number} sequence
 * @param {string} type
 * @param {string} text
 */
function log(sequence, type, text) {
  console.log(`#${sequence} ${type} ${text}`);
}

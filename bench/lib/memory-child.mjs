// Run by `parts/memory.mjs` in a separate process: starts sessions or appends to some, and prints
// the memory of the process before, after a tenth, and after all of it.

import * as openai from "../contenders/openai-agents.mjs";
import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { collectGarbage } from "./measure.mjs";
import { fill, iterationData, newSession, pastEvent } from "./scenario.mjs";

const [store, what, number, path] = process.argv.slice(2);
const targets = 100;
const isOpenAi = store === "memory, OpenAI Agents";

const sessions = await opened();
const ids = [];
for (let index = 0; index < targets; index += 1) ids.push(await started(index));
// Compiled code is not part of the measurement.
for (let index = 0; index < 3000; index += 1) await appended(index);
const before = resident();
let atTenth;
let last;
for (let index = 0; index < number; index += 1) {
  if (index === number / 10) atTenth = resident();
  if (what !== "appends") last = await started(index);
  else await appended(index);
}
const after = resident();
const text = what === "appends" ? undefined : textOf(last);
await sessions.close();
console.log(JSON.stringify({ before, atTenth, after, text }));

/** The length of a session as JSON, with its events. */
function textOf(session) {
  return (isOpenAi ? JSON.stringify(session.items) : sessions.export(session)).length;
}

function opened() {
  if (isOpenAi) return { kept: [], close() {} };
  if (store === "SQLite, awaited") return open(`sqlite:${path}`);
  if (store === "SQLite") return openSync(`sqlite:${path}`);
  return store === "memory" ? openSync("memory:") : wasm.openSync("memory:");
}

async function started(index) {
  if (isOpenAi) {
    const { task, mode, workspace } = newSession(index);
    const start = { type: "start", data: { task, mode, workspace } };
    const session = openai.memorySession([start, ...[1, 2, 3].map(pastEvent)]);
    sessions.kept.push(session);
    return session;
  }
  if (what === "minimal sessions") return sessions.start({ task: "t", mode: "m" }).id;
  if (store !== "SQLite, awaited") return fill(sessions, index, 4);
  return (await sessions.start(newSession(index))).id;
}

function appended(index) {
  if (isOpenAi) return openai.append(ids[index % targets], iterationData);
  return sessions.incrementIteration(ids[index % targets], iterationData);
}

/** The memory of the process after garbage collection. */
function resident() {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage.rss();
}

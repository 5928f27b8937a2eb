// Run by `parts/memory.mjs` in a separate process: starts sessions or appends to some, and prints
// the memory of the process before, after a tenth, and after all of it.

import { open, openSync, wasm } from "../contenders/tenure.mjs";
import { collectGarbage } from "./measure.mjs";
import { fill, iterationData, newSession } from "./scenario.mjs";

const [store, what, number, path] = process.argv.slice(2);
const targets = 100;

const sessions = await opened();
const ids = [];
for (let index = 0; index < targets; index += 1) ids.push(await started(index));
// Compiled code is not part of the measurement.
for (let index = 0; index < 3000; index += 1) await appended(index);
const before = resident();
let atTenth;
for (let index = 0; index < number; index += 1) {
  if (index === number / 10) atTenth = resident();
  if (what === "sessions") await started(index);
  else await appended(index);
}
const after = resident();
await sessions.close();
console.log(JSON.stringify({ before, atTenth, after }));

function opened() {
  if (store === "SQLite, awaited") return open(`sqlite:${path}`);
  if (store === "SQLite") return openSync(`sqlite:${path}`);
  return store === "memory" ? openSync("memory:") : wasm.openSync("memory:");
}

async function started(index) {
  if (store !== "SQLite, awaited") return fill(sessions, index, 4);
  return (await sessions.start(newSession(index))).id;
}

function appended(index) {
  return sessions.incrementIteration(ids[index % targets], iterationData);
}

/** The memory of the process after garbage collection. */
function resident() {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage.rss();
}

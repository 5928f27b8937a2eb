// Runs the benchmarks: `npm run bench`, or `node bench/run.mjs` when everything is built.
//
// `npm run bench -- --help` lists the options.
//
// A full run writes its results to bench/results as JSON and Markdown.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { sqliteVersion } from "./contenders/floor.mjs";
import { wasm } from "./contenders/tenure.mjs";
import { machine as describe } from "./lib/machine.mjs";
import { measureProcessorTime, measureQuickly } from "./lib/measure.mjs";
import { names, readOptions } from "./lib/options.mjs";
import { markdown, print } from "./lib/report.mjs";

const options = readOptions(process.argv.slice(2));
const { only } = options;

if (options.quick) measureQuickly();
if (options.cpu) measureProcessorTime();
const started = performance.now();
const machine = describe();
const versions = versionsUsed();
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.os}, Node ${machine.node}, load ${machine.load}`,
);
console.log(
  Object.entries(versions)
    .map((each) => each.join(" "))
    .join(", "),
);
if (wasm === undefined) console.log("The WebAssembly is not built: its rows are left out.");

const parts = [];
for (const name of names.filter((name) => only?.includes(name) ?? true)) {
  const part = await import(`./parts/${name}.mjs`);
  const seconds = options.quick ? part.seconds / 10 : part.seconds;
  const { quick, large, duration } = options;
  const result = await part.run({ seconds, quick, large, duration });
  print(result);
  parts.push({ name, ...result });
}
const checks = parts.flatMap((part) => part.checks ?? []);
const failed = checks.filter(({ passed }) => !passed).length;
const took = `${Math.round((performance.now() - started) / 1000)} s`;
console.log(`\n${checks.length - failed} of ${checks.length} checks hold, ${took}`);
if (options.save || (!options.quick && only === undefined)) save();

function versionsUsed() {
  const { version: tenure } = readJson("../npm/package.json");
  const { dependencies } = readJson("package.json");
  return { tenure, ...dependencies, "SQLite of better-sqlite3": sqliteVersion() };
}

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}

function save() {
  const date = new Date().toISOString().slice(0, 10);
  const mode = `${options.quick ? "quickly" : "at full length"}${options.cpu ? ", in processor time" : ""}`;
  const run = { date, mode, machine, versions, parts };
  const folder = new URL("results/", import.meta.url);
  const write = (ending, text) => {
    const path = new URL(`${date}-${machine.platform}.${ending}`, folder);
    writeFileSync(path, text);
    console.log(`wrote bench/results/${date}-${machine.platform}.${ending}`);
  };
  mkdirSync(folder, { recursive: true });
  write("json", `${JSON.stringify(run, null, 2)}\n`);
  write("md", markdown(run));
}

// `npm run bench`: builds everything, installs the contenders, and runs the benchmarks with the
// given arguments. If WebAssembly cannot be built, its rows are omitted.

import { rmSync } from "node:fs";
import { readOptions } from "../bench/lib/options.mjs";
import { build } from "./build.mjs";
import { locked } from "./lib/cargo.mjs";
import { ensureOwnPackages } from "./lib/packages.mjs";
import { inRoot } from "./lib/paths.mjs";
import { handOver, main, probe, report, run } from "./lib/run.mjs";

const options = process.argv.slice(2);
// What is wrong with them is said before anything is built.
readOptions(options);
await main(async () => {
  await build(["native", "cli"], { published: true });
  await build(["wasm"]).catch(report);
  await build(["ts"]);
  // The program that times processes; it does little, and needs no optimization.
  await run("cargo", ["build", ...locked, "-p", "tenure-cli", "--example", "processes"]);
  // An addon for another version of Node is reinstalled.
  if (!addonLoads()) rmSync(inRoot("bench", "node_modules"), { recursive: true, force: true });
  await ensureOwnPackages("bench");
  console.log();
  return handOver(process.execPath, [inRoot("bench", "run.mjs"), ...options]);
});

function addonLoads() {
  const addon = JSON.stringify(inRoot("bench", "node_modules", "better-sqlite3"));
  return probe(process.execPath, ["-e", `new (require(${addon}))(":memory:").close()`]) === "";
}

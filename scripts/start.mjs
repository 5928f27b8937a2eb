// `npm start`: builds the native addon and the TypeScript, and runs the demo with the given
// arguments. On a terminal the demo serves the web UI in the end, so that is built, too.

import { build } from "./build.mjs";
import { inRoot } from "./lib/paths.mjs";
import { handOver, main } from "./lib/run.mjs";

const given = process.argv.slice(2);
const isAttended = process.stdin.isTTY && process.stdout.isTTY;
const showsWebUi = isAttended && !given.some((option) => ["--once", "--help"].includes(option));

await main(async () => {
  await build(showsWebUi ? ["native", "wasm-browser", "ts", "ui-served"] : ["native", "ts"]);
  console.log();
  return handOver(process.execPath, [inRoot("examples", "demo.mjs"), ...given]);
});

// `npm start`: builds the native addon and the TypeScript, and runs the demo with the given
// arguments. On a terminal the demo serves the web UI in the end. It is built after the demo, which a first
// start so shows in half of the time.

import { build } from "./build.mjs";
import { inRoot } from "./lib/paths.mjs";
import { handOver, main } from "./lib/run.mjs";

const given = process.argv.slice(2);

await main(async () => {
  await build(["native", "ts"]);
  console.log();
  return handOver(process.execPath, [inRoot("examples", "demo.mjs"), ...given]);
});

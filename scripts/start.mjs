// `npm start`: builds the native addon and the TypeScript, and runs the demo with the given
// arguments.

import { build } from "./build.mjs";
import { inRoot } from "./lib/paths.mjs";
import { handOver, main } from "./lib/run.mjs";

await main(async () => {
  await build(["native", "ts"]);
  console.log();
  return handOver(process.execPath, [inRoot("examples", "demo.mjs"), ...process.argv.slice(2)]);
});

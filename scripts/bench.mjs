// `npm run bench`: builds the native addon and the TypeScript, installs what they are compared with,
// and runs the benchmarks with the arguments given.

import { build } from "./build.mjs";
import { ensureOwnPackages } from "./lib/packages.mjs";
import { inRoot } from "./lib/paths.mjs";
import { handOver, main } from "./lib/run.mjs";

await main(async () => {
  await build(["native", "ts"]);
  await ensureOwnPackages("bench");
  console.log();
  return handOver(process.execPath, [inRoot("bench", "run.mjs"), ...process.argv.slice(2)]);
});

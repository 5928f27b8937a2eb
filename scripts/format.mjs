// Formats everything: `npm run format`.

import { ensurePackages, toTest } from "./lib/packages.mjs";
import { step } from "./lib/progress.mjs";
import { checkRequirements } from "./lib/requirements.mjs";
import { main, nodeTool, run } from "./lib/run.mjs";

await main(async () => {
  checkRequirements();
  await ensurePackages(toTest);
  await step("Rust", async (working) => {
    working("formatting");
    await run("cargo", ["fmt", "--all"]);
  });
  await step("the rest", async (working) => {
    working("formatting");
    const [node, biome] = nodeTool("@biomejs/biome", "biome");
    await run(node, [biome, "check", "--write"]);
  });
});

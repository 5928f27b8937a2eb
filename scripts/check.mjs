// Runs one of the checks that read the sources without building anything:
// `node scripts/check.mjs modules`, `files`, `features` or `words`.

import { checkFeatures } from "./lib/feature-check.mjs";
import { checkFiles } from "./lib/file-check.mjs";
import { checkModules } from "./lib/module-check.mjs";
import { main, Problem, terminal } from "./lib/run.mjs";
import { checkWords } from "./lib/word-check.mjs";

const checks = {
  modules: checkModules,
  files: checkFiles,
  features: checkFeatures,
  words: checkWords,
};

await main(async () => {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !(name in checks));
  if (unknown !== undefined || names.length === 0)
    throw new Problem(`name one or more of the checks: ${Object.keys(checks).join(", ")}`);
  for (const name of names) await checks[name](terminal);
});

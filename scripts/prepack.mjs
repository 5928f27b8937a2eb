// Runs before the npm package is packed: fails if something is not built, and copies the files of
// the repository's root that the package must contain.

import { copyFileSync, existsSync } from "node:fs";
import { inRoot } from "./lib/paths.mjs";
import { main, Problem } from "./lib/run.mjs";

await main(() => {
  const missing = ["bin", "dist", "native", "wasm"].filter(
    (folder) => !existsSync(inRoot("npm", folder)),
  );
  if (missing.length > 0) {
    throw new Problem(`npm/${missing.join(", npm/")} not built yet: run npm run build`);
  }
  for (const file of ["LICENSE-MIT", "LICENSE-APACHE", "README.md"]) {
    if (existsSync(inRoot(file))) copyFileSync(inRoot(file), inRoot("npm", file));
  }
});

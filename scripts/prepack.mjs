// Runs before the npm package is packed: refuses to pack what has not been built, and puts beside it
// the files of the repository's root that a package has to carry.

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

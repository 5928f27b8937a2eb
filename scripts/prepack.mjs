// Runs before the npm package is packed: fails if something is not built, and copies the files of
// the repository that the package must contain. Their links to other files become links to the
// repository.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, posix } from "node:path";
import { writeLocations } from "./lib/package-locations.mjs";
import { inRoot } from "./lib/paths.mjs";
import { main, Problem } from "./lib/run.mjs";

await main(() => {
  const missing = ["bin", "dist", "native", "wasm/tenure_complete_bg.wasm", "ui/files.json"].filter(
    (path) => !existsSync(inRoot("npm", path)),
  );
  if (missing.length > 0) {
    throw new Problem(`npm/${missing.join(", npm/")} not built yet: run npm run build`);
  }
  // Addons of other platforms may have been added since the build.
  writeLocations(inRoot("npm", "dist"));
  rmSync(inRoot("npm", "docs"), { recursive: true, force: true });
  mkdirSync(inRoot("npm", "docs"));
  // Pictures are in the repository alone.
  const docs = readdirSync(inRoot("docs"), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `docs/${name}`);
  const copied = ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md", ...docs];
  for (const path of copied) {
    if (path.endsWith(".md")) writeFileSync(inRoot("npm", path), packed(path, copied));
    else copyFileSync(inRoot(path), inRoot("npm", path));
  }
});

/** The text of a document of the package. Links to files that are not in it name the repository. */
function packed(document, copied) {
  const { repository } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  const page = repository.url.replace(/^git\+|\.git$/g, "");
  return readFileSync(inRoot(document), "utf8").replace(
    /\]\((?![a-z]+:)([^)#\s]+)/g,
    (link, target) => {
      const path = posix.join(dirname(document), target);
      const kind = path.endsWith(".png") ? "raw" : "blob";
      return copied.includes(path) ? link : `](${page}/${kind}/HEAD/${path}`;
    },
  );
}

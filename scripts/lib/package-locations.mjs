// Writes the modules `#files/*` of the package: the locations of its files that are no code, as literal
// paths, because bundlers and file tracers take along only such files. A literal path of a file that is
// not in the package would be an error of the bundler, so the addons that exist are listed.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";

/** The file names of the addons that the package has. */
export function addonNames() {
  const folder = inRoot("npm", "native");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".node"))
    .sort();
}

/** Writes the modules into this folder of compiled code, for both module systems. */
export function writeLocations(dist) {
  const modules = {
    addons: ["native", addonNames()],
    complete: ["wasm", ["tenure_complete_bg.wasm"]],
    testing: ["wasm", ["tenure_testing_bg.wasm"]],
  };
  const folders = [join(dist, "files"), join(dist, "commonjs", "files")];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const [module, [folder, names]] of Object.entries(modules)) {
    const paths = names.map((name) => [name, `${folder}/${name}`]);
    const [esm, commonjs] = [esmModule(paths), commonjsModule(paths)];
    for (const [index, text] of [esm, commonjs].entries())
      writeFileSync(join(folders[index], `${module}.js`), text);
  }
}

// The tracers see a path that is returned by a statement.

function esmModule(paths) {
  const methods = paths.map(
    ([name, path]) =>
      `  "${name}"() {\n    return new URL("../../${path}", import.meta.url);\n  },\n`,
  );
  return `export const locations = {\n${methods.join("")}};\n`;
}

function commonjsModule(paths) {
  const methods = paths.map(
    ([name, path]) =>
      `  "${name}"() {\n    return path.join(__dirname, "../../../${path}");\n  },\n`,
  );
  const head = '"use strict";\nconst path = require("node:path");\n';
  return `${head}exports.locations = {\n${methods.join("")}};\n`;
}

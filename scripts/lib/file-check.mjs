// Checks that every Rust file is a part of some target. The tests in a file that no target includes
// would never run.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { inRoot, root } from "./paths.mjs";
import { Problem, run } from "./run.mjs";

/** Checks every Rust file that git tracks or would add. Throws a problem with the list of files. */
export async function checkFiles(show) {
  const listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"];
  const { stdout } = await run("git", listing, { data: true });
  const files = stdout.split("\0").filter((path) => path !== "" && readText(path) !== undefined);
  const missing = undeclared(files, await rootsOfWorkspace(), readText);
  if (missing.length > 0) {
    const lines = missing.map((file) => `${file}: no \`mod\` declares it, so it is not compiled`);
    throw new Problem(lines.join("\n"));
  }
  show.out(`${files.length} Rust files are all compiled\n`);
}

/**
 * The files that are not a part of any target. `roots` are the root files of the targets. `read`
 * returns the text of a file, or `undefined` if it does not exist.
 */
export function undeclared(files, roots, read) {
  const compiled = new Set();
  const pending = roots.map((file) => ({ file, folder: dirname(file) }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const text = read(next.file);
    if (text === undefined || compiled.has(next.file)) continue;
    compiled.add(next.file);
    for (const { name, path } of declarationsIn(text)) {
      const folder = join(next.folder, name);
      if (path !== undefined) {
        const file = join(dirname(next.file), path);
        pending.push({ file, folder: dirname(file) });
      } else {
        pending.push({ file: `${folder}.rs`, folder });
        pending.push({ file: join(folder, "mod.rs"), folder });
      }
    }
  }
  return files.filter((file) => !compiled.has(file));
}

/** The modules with separate files that a file declares. */
function declarationsIn(text) {
  const declaration =
    /^[ \t]*(?:#\[path = "([^"]+)"\]\s*)?(?:pub(?:\([^)]*\))? )?mod (?:r#)?(\w+);/gm;
  return [...text.matchAll(declaration)].map(([, path, name]) => ({ name, path }));
}

/** The root files of the workspace's targets, relative to the repository. */
async function rootsOfWorkspace() {
  const args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
  const { stdout } = await run("cargo", args, { data: true });
  const targets = JSON.parse(stdout).packages.flatMap(({ targets }) => targets);
  return targets.map(({ src_path }) =>
    src_path.slice(root.length).replaceAll("\\", "/").replace(/^\/+/, ""),
  );
}

function readText(path) {
  try {
    return readFileSync(inRoot(path), "utf8");
  } catch {
    return undefined;
  }
}

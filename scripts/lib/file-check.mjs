// Checks that every Rust file is a part of some target, and that no target turns off tests which its files
// have. Neither would ever run.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { inRoot, root } from "./paths.mjs";
import { Problem, run } from "./run.mjs";

/** Checks every Rust file that git tracks or would add. Throws a problem with the list of files. */
export async function checkFiles(show) {
  const listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"];
  const { stdout } = await run("git", listing, { data: true });
  const files = stdout.split("\0").filter((path) => path !== "" && readText(path) !== undefined);
  const targets = await targetsOfWorkspace();
  const roots = targets.map(({ root }) => root);
  const problems = undeclared(files, roots, readText).map(
    (file) => `${file}: no \`mod\` declares it, so it is not compiled`,
  );
  problems.push(...targets.flatMap((target) => turnedOff(target, readText)));
  if (problems.length > 0) throw new Problem(problems.join("\n"));
  show.out(`${files.length} Rust files are all compiled\n`);
}

/**
 * The files that are not a part of any target. `roots` are the root files of the targets. `read`
 * returns the text of a file, or `undefined` if it does not exist.
 */
export function undeclared(files, roots, read) {
  const compiled = filesOf(roots, read);
  return files.filter((file) => !compiled.has(file));
}

/** What the files of a target have that it does not run: tests, and examples in documentation. */
export function turnedOff({ root, test, doctest }, read) {
  const kinds = [
    ...(test ? [] : [{ setting: "test", what: "a test", pattern: /^\s*#\[test\]/m }]),
    ...(doctest ? [] : [{ setting: "doctest", what: "an example", pattern: /^\s*\/\/[/!] ```/m }]),
  ];
  return [...filesOf([root], read)].flatMap((file) =>
    kinds
      .filter(({ pattern }) => pattern.test(read(file)))
      .map(
        ({ setting, what }) => `${file}: it has ${what}, and its crate has \`${setting} = false\``,
      ),
  );
}

/** The files that these root files and their modules consist of. */
function filesOf(roots, read) {
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
  return compiled;
}

/** The modules with separate files that a file declares. */
function declarationsIn(text) {
  const declaration =
    /^[ \t]*(?:#\[path = "([^"]+)"\]\s*)?(?:pub(?:\([^)]*\))? )?mod (?:r#)?(\w+);/gm;
  return [...text.matchAll(declaration)].map(([, path, name]) => ({ name, path }));
}

/**
 * The targets of the workspace: the root file of each, relative to the repository, and whether its tests and
 * the examples of its documentation are run. A program and an integration test have no such examples.
 */
async function targetsOfWorkspace() {
  const args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
  const { stdout } = await run("cargo", args, { data: true });
  const targets = JSON.parse(stdout).packages.flatMap(({ targets }) => targets);
  return targets.map(({ src_path, kind, test, doctest }) => ({
    root: src_path.slice(root.length).replaceAll("\\", "/").replace(/^\/+/, ""),
    test: test || kind.includes("custom-build"),
    doctest: doctest || !kind.some((name) => name.endsWith("lib")),
  }));
}

function readText(path) {
  try {
    return readFileSync(inRoot(path), "utf8");
  } catch {
    return undefined;
  }
}

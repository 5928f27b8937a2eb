// Checks that the modules of each Rust crate have no circular dependencies: neither between files,
// nor between top-level modules with their submodules.

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { circlesOf, edgesOf } from "./circles.mjs";
import { inRoot, root } from "./paths.mjs";
import { Problem, run } from "./run.mjs";
import { readCrate, Unreadable } from "./rust-modules.mjs";

/**
 * Allowed circles, each with its reason. `between` is "files" or "top-level modules". `circle`
 * lists the modules, of which the last one uses the first. The entry allows its first edge; any
 * other circle needs another entry. An entry for a circle that does not exist is an error.
 *
 *   { crate: "tenure-core", between: "files", circle: ["lease", "lease::decision"], reason: "..." },
 */
const allowedCircles = [];

/** Checks every library and program of the workspace. Throws a problem with the list of circles. */
export async function checkModules(show) {
  const problems = [];
  let files = 0;
  const crates = await cratesOfWorkspace();
  for (const { name, rootFile } of crates) {
    const allowed = allowedCircles.filter(({ crate }) => crate === name);
    const { modules, uses } = readModules(rootFile);
    files += modules.length;
    problems.push(...problemsOf(name, uses, allowed));
  }
  const names = crates.map(({ name }) => name);
  for (const { crate } of allowedCircles.filter((entry) => !names.includes(entry.crate)))
    problems.push(`${crate}: a circle is allowed in it, but there is no such crate`);
  if (problems.length > 0) throw new Problem(problems.join("\n\n"));
  show.out(`no circles among ${files} files in ${crates.length} crates\n`);
}

/** The problems of a crate, as texts: circles, and allowed circles that do not exist. */
export function problemsOf(crate, uses, allowed) {
  const entriesFor = (between) => allowed.filter((entry) => entry.between === between);
  const inFiles = check("files", uses, entriesFor("files"));
  const folded = uses.map((use) => ({ ...use, from: topLevel(use.from), to: topLevel(use.to) }));
  // An edge that is allowed between two files is also allowed between their top-level modules.
  const excused = folded.filter((_, i) => !inFiles.excused.has(uses[i]));
  const inTop = check("top-level modules", excused, entriesFor("top-level modules"));
  return [...inFiles.problems, ...inTop.problems].map((problem) => `${crate}: ${problem}`);
}

function check(between, uses, allowed) {
  const steps = new Map();
  for (const use of uses) {
    if (use.from === use.to) continue;
    const key = `${use.from} ${use.to}`;
    if (!steps.has(key)) steps.set(key, []);
    steps.get(key).push(use);
  }
  const problems = [];
  const excused = new Set();
  for (const { circle } of allowed) {
    const missing = edgesOf(circle).find(([from, to]) => !steps.has(`${from} ${to}`));
    if (missing) {
      const [from, to] = missing;
      problems.push(
        `the allowed circle ${drawn(circle)} among its ${between} is gone, as ${from} does not use ${to}: take it off the list`,
      );
    }
    for (const use of steps.get(`${circle[0]} ${circle[1]}`) ?? []) excused.add(use);
  }
  const graph = new Map();
  for (const { from, to } of uses.filter((use) => !excused.has(use) && use.from !== use.to)) {
    if (!graph.has(from)) graph.set(from, new Set());
    graph.get(from).add(to);
  }
  for (const circle of circlesOf(graph)) {
    const lines = edgesOf(circle).map(([from, to]) => {
      const [{ file, line, path }] = steps.get(`${from} ${to}`);
      return `  ${file}:${line}: ${from} uses ${to} (${path})`;
    });
    problems.push([`a circle among its ${between}: ${drawn(circle)}`, ...lines].join("\n"));
  }
  return { problems, excused };
}

function drawn(circle) {
  return [...circle, circle[0]].join(" -> ");
}

function topLevel(module) {
  return module.split("::")[0];
}

/**
 * The libraries and programs of the workspace. The name of a program consists of its package and
 * its target.
 */
async function cratesOfWorkspace() {
  const args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
  const { stdout } = await run("cargo", args, { data: true });
  return JSON.parse(stdout).packages.flatMap((one) =>
    one.targets
      .filter(({ kind }) => kind.some((of) => of === "bin" || of.endsWith("lib")))
      .map((target) => ({
        name: target.kind.includes("bin") ? `${one.name} (${target.name})` : one.name,
        rootFile: relative(root, target.src_path).replaceAll("\\", "/"),
      })),
  );
}

function readModules(rootFile) {
  const texts = new Map();
  const read = (path) => {
    if (!texts.has(path)) texts.set(path, readText(path));
    return texts.get(path);
  };
  try {
    return readCrate(rootFile, read);
  } catch (error) {
    if (error instanceof Unreadable) throw new Problem(error.message);
    throw error;
  }
}

function readText(path) {
  try {
    return readFileSync(inRoot(path), "utf8");
  } catch {
    return undefined;
  }
}

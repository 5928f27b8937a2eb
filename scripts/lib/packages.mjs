// Installs the npm packages of workspaces, only those that are requested and missing. The installed
// packages are read from npm's own record in node_modules, so a package that was installed by hand
// is not installed again.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";
import { step } from "./progress.mjs";
import { run } from "./run.mjs";

/** The workspaces whose packages are required to build the native addon and the TypeScript. */
export const toBuild = ["npm"];

/** Every workspace; "" is the root. */
export const toTest = ["", "npm", "tests", "ui"];

let ensured = [];

/** Installs the packages of these workspaces if some are missing. */
export async function ensurePackages(workspaces) {
  if (workspaces.every((name) => ensured.includes(name))) return;
  ensured = workspaces;
  await step("npm packages", async (working) => {
    const locked = readLock(inRoot("package-lock.json"));
    const present = readLock(inRoot("node_modules", ".package-lock.json"));
    const needed = requiredBy(workspaces, locked);
    if (isInstalled(needed, locked, present)) return;
    working("installing");
    // `npm ci` starts with an empty folder, so the other installed workspaces are installed again,
    // too.
    const hadMore = Object.entries(present ?? {}).some(
      ([place, { link, optional }]) => !link && !optional && !needed.has(place),
    );
    const only =
      hadMore || workspaces === toTest ? [] : workspaces.flatMap((name) => ["--workspace", name]);
    await npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", ...only]);
  });
}

/** Installs the packages of a folder with its own lock file, unless they match it. */
export async function ensureOwnPackages(folder) {
  await step(`${folder} packages`, async (working) => {
    const locked = readLock(inRoot(folder, "package-lock.json"));
    const present = readLock(inRoot(folder, "node_modules", ".package-lock.json"));
    if (isInstalled(requiredBy([""], locked), locked, present)) return;
    working("installing");
    // Benchmarks compare with addons that are downloaded or built by install scripts.
    await npm(["ci", "--no-audit", "--no-fund"], inRoot(folder));
  });
}

/** Runs npm; the same version that runs this script, if npm started it. */
export function npm(args, cwd) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) return run(process.execPath, [cli, ...args], { cwd });
  return run(process.platform === "win32" ? "npm.cmd" : "npm", args, { cwd });
}

function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : undefined;
}

function isInstalled(needed, locked, present) {
  return (
    present !== undefined &&
    [...needed].every((place) => present[place]?.version === locked[place].version)
  );
}

/** The paths in the lock file of all packages that these workspaces need on any platform. */
function requiredBy(workspaces, locked) {
  const found = new Set();
  const visit = (from, names) => {
    for (const name of names) {
      const place = resolve(from, name, locked);
      if (!place || found.has(place) || locked[place].optional || locked[place].link) continue;
      found.add(place);
      visit(place, Object.keys(locked[place].dependencies ?? {}));
    }
  };
  for (const workspace of workspaces) {
    const { dependencies, devDependencies } = locked[workspace];
    visit(workspace, Object.keys({ ...dependencies, ...devDependencies }));
  }
  return found;
}

/** Resolves a package as Node does: next to the dependent package, then in each parent folder. */
function resolve(from, name, locked) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    const place = join(folder, "node_modules", name).replaceAll("\\", "/");
    if (locked[place]) return place;
    if (folder === "") return undefined;
  }
}

// Installs the npm packages of the workspaces, no more of them than asked for and only when they are
// not there already. What is there is read from the record that npm itself keeps in node_modules, so
// nothing is installed twice, also not what was installed by hand.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "./paths.mjs";
import { step } from "./progress.mjs";
import { run } from "./run.mjs";

/** The workspaces whose packages are enough to build the native addon and the TypeScript. */
export const toBuild = ["npm"];

/** Every workspace; "" is the root itself. */
export const toTest = ["", "npm", "tests"];

let ensured = [];

/** Makes sure that the packages of these workspaces are installed. */
export async function ensurePackages(workspaces) {
  if (workspaces.every((name) => ensured.includes(name))) return;
  ensured = workspaces;
  await step("npm packages", async (working) => {
    const locked = readLock(inRoot("package-lock.json"));
    const present = readLock(inRoot("node_modules", ".package-lock.json"));
    const needed = requiredBy(workspaces, locked);
    if (isInstalled(needed, locked, present)) return;
    working("installing");
    // `npm ci` starts from an empty folder: where more was installed than is needed now, all of it is again.
    const hadMore = Object.entries(present ?? {}).some(
      ([place, { link, optional }]) => !link && !optional && !needed.has(place),
    );
    const only =
      hadMore || workspaces === toTest ? [] : workspaces.flatMap((name) => ["--workspace", name]);
    await npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", ...only]);
  });
}

/** Installs a folder that has a lock file of its own, when what is installed there does not match it. */
export async function ensureOwnPackages(folder) {
  await step(`${folder} packages`, async (working) => {
    const locked = readLock(inRoot(folder, "package-lock.json"));
    const present = readLock(inRoot(folder, "node_modules", ".package-lock.json"));
    if (isInstalled(requiredBy([""], locked), locked, present)) return;
    working("installing");
    // Benchmarks compare against addons which their own install scripts fetch or build.
    await npm(["ci", "--no-audit", "--no-fund"], inRoot(folder));
  });
}

/** Runs npm, the same one that runs this script where it was started by npm. */
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

/** The places in the lock file of all that these workspaces need on every platform. */
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

/** Looks a package up as Node does: beside the one that needs it, then in each folder above. */
function resolve(from, name, locked) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    const place = join(folder, "node_modules", name).replaceAll("\\", "/");
    if (locked[place]) return place;
    if (folder === "") return undefined;
  }
}

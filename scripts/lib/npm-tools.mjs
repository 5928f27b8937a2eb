// Packages of npm that only the tests use, in a folder of the tools: their servers are too large for those who only build.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./packages.mjs";
import { toolsDir } from "./paths.mjs";

/**
 * The folder of a package at a version; `undefined` if it cannot be had. Its scripts run only if it needs them. `installing` is
 * called before it is installed.
 */
export async function ensureNpmTool(
  name,
  version,
  installing = () => {},
  { scripts = false } = {},
) {
  const folder = join(toolsDir, `${name.replaceAll("/", "-").replace("@", "")}-${version}`);
  const inside = join(folder, "node_modules", name);
  if (existsSync(inside)) return inside;
  installing();
  // One that was interrupted is not taken for a whole one.
  const partial = `${folder}.${process.pid}`;
  const options = ["--prefix", partial, "--no-audit", "--no-fund"];
  if (!scripts) options.push("--ignore-scripts");
  try {
    mkdirSync(partial, { recursive: true });
    await npm(["install", ...options, `${name}@${version}`]);
    renameSync(partial, folder);
    return inside;
  } catch {
    rmSync(partial, { recursive: true, force: true });
    // Another process may have been faster.
    return existsSync(inside) ? inside : undefined;
  }
}

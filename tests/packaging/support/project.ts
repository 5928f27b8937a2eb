// Projects of users: a folder outside the repository with the packed package installed. Their other
// files are in `projects/`.

import { cp, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { npm } from "../../../scripts/lib/packages.mjs";

const projects = fileURLToPath(new URL("../projects", import.meta.url));

/** Creates a copy of a project with the package installed. Returns the path of its folder. */
export async function newProject(
  name: "esm" | "commonjs" | "deploying" | "types" | "web" | "testing",
): Promise<string> {
  const { tarball, workshop } = inject("packed");
  const folder = await mkdtemp(join(workshop, `${name}-`));
  await cp(join(projects, name), folder, { recursive: true });
  // The package has no dependencies, so no registry is needed.
  const quietly = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier"];
  await npm(["install", ...quietly, "--cache", join(folder, ".npm"), tarball], folder);
  return folder;
}

/** The folder of the installed package. */
export const installedIn = (folder: string): string => join(folder, "node_modules", "tenure");

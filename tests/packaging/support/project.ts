// Projects of users: a folder outside the repository with a copy of the installed package. Their other
// files are in `projects/`.

import { cp, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";

const projects = fileURLToPath(new URL("../projects", import.meta.url));

/** Creates a copy of a project with the package installed. Returns the path of its folder. */
export async function newProject(
  name: "esm" | "commonjs" | "deploying" | "types" | "web" | "testing",
): Promise<string> {
  const { installed, workshop } = inject("packed");
  const folder = await mkdtemp(join(workshop, `${name}-`));
  await cp(join(projects, name), folder, { recursive: true });
  const modules = join(folder, "node_modules");
  // The links to the commands are relative.
  await cp(join(installed, "node_modules"), modules, { recursive: true, verbatimSymlinks: true });
  return folder;
}

/** The folder of the installed package. */
export const installedIn = (folder: string): string => join(folder, "node_modules", "tenure");

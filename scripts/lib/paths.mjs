// The paths of the repository: its root, and the folders that the scripts write to.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A path inside the repository. */
export const inRoot = (...parts) => join(root, ...parts);

/** The state of the scripts between runs; `cargo clean` deletes it together with the builds. */
export const stateDir = inRoot("target", "scripts");

/** Tools that need an exact version and are therefore built for this repository. */
export const toolsDir = inRoot(".tools");

// Where things are: the root of the repository and the few folders that the scripts write to.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A path inside the repository. */
export const inRoot = (...parts) => join(root, ...parts);

/** What the scripts remember between runs; `cargo clean` forgets it together with the builds. */
export const stateDir = inRoot("target", "scripts");

/** Tools that have to be of one exact version and are therefore built for this repository. */
export const toolsDir = inRoot(".tools");

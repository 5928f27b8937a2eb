// Files for one part of the benchmark, on the disk of the repository. (A temporary folder is in
// memory on some systems, where a sync to disk costs nothing.)

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSync } from "../contenders/tenure.mjs";

/** The folder that workspaces are in. */
export function target() {
  const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "target");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Calls `body` with a new folder, which is deleted afterwards. */
export async function inWorkspace(body) {
  const folder = mkdtempSync(join(target(), "bench-"));
  const closing = [];
  const workspace = {
    /** A path in the folder. */
    path: (name) => join(folder, name),
    /** Closes something at the end, before the folder is deleted. */
    closing: (thing) => {
      closing.push(thing);
      return thing;
    },
    /** Creates a database with Tenure, and a copy of it for each of `names`. */
    databases: (names, fill) => {
      const first = join(folder, "made.db");
      const sessions = openSync(`sqlite:${first}`);
      const filled = fill(sessions);
      sessions.close();
      if (existsSync(`${first}-wal`)) throw new Error("the database is still open");
      for (const name of names) copyFileSync(first, join(folder, `${name}.db`));
      rmSync(first);
      return filled;
    },
  };
  try {
    return await body(workspace);
  } finally {
    for (const thing of closing) await thing.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

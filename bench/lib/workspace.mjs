// Files for one part of the benchmark, on the disk that the repository is on. (A temporary folder is
// in memory on some systems, and a sync to disk then costs nothing.)

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSync } from "../contenders/tenure.mjs";

const target = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "target");

/** Calls `body` with a folder of its own, which is gone afterwards. */
export async function inWorkspace(body) {
  mkdirSync(target, { recursive: true });
  const folder = mkdtempSync(join(target, "bench-"));
  const closing = [];
  const workspace = {
    /** A path in the folder. */
    path: (name) => join(folder, name),
    /** Closes something at the end, before the folder goes. */
    closing: (thing) => {
      closing.push(thing);
      return thing;
    },
    /** Makes a database with Tenure, and `names` copies of it: a contender each. */
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

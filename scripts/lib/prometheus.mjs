// The checkers of Prometheus and Alertmanager for the tests: found, or unpacked from Debian's packages. The packages
// are not installed: installing them starts servers.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { canInstallDebianPackages, unpackDebianPackages } from "./debian.mjs";
import { toolsDir } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

/** The folder into which the packages are unpacked. */
const unpacked = join(toolsDir, "prometheus");

/**
 * The variables with which tests find the checkers: `PROMTOOL`, and `AMTOOL` if it is there. `installing` is called
 * before anything is downloaded.
 */
export async function ensurePrometheus(installing = () => {}) {
  if ((!find("promtool") || !find("amtool")) && canInstallDebianPackages()) {
    installing();
    await unpack().catch(() => {});
  }
  const promtool = find("promtool");
  if (promtool === undefined) {
    throw new Problem(
      "the tests need promtool: install it with `apt-get install prometheus` or `brew install prometheus`, or name it in the variable PROMTOOL",
    );
  }
  const amtool = find("amtool");
  return { PROMTOOL: promtool, ...(amtool && { AMTOOL: amtool }) };
}

/** The path of a checker, or its name if it is in PATH. */
function find(program) {
  const named = process.env[program.toUpperCase()];
  if (named) return existsSync(named) ? named : undefined;
  const own = join(unpacked, "usr", "bin", program);
  return [own, program].find((path) => probe(path, ["--version"]) !== undefined);
}

async function unpack() {
  mkdirSync(unpacked, { recursive: true });
  await unpackDebianPackages(unpacked, "prometheus", "prometheus-alertmanager");
}

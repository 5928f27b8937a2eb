// Checks that what the scripts cannot install is there, Node and Rust, and for the tests the programs
// that they hold Tenure against, and says in one line what to do when it is not.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { inRoot } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

export function checkRequirements() {
  checkNode();
  checkCargo();
}

/** Checks that programs are there which only tests need. */
export function checkPrograms(names) {
  const missing = names.filter((name) => probe(name, ["--version"]) === undefined);
  if (missing.length === 0) return;
  const all = missing.join(" ");
  throw new Problem(
    `the tests also run ${names.join(", ")}; not found: ${missing.join(", ")}. Install with \`apt-get install ${all}\` or \`brew install ${all}\``,
  );
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const wanted = engines.node.match(/\d+/g).map(Number);
  const here = process.versions.node.split(".").map(Number);
  const newer = here.findIndex((part, i) => part !== (wanted[i] ?? 0));
  if (newer >= 0 && here[newer] < (wanted[newer] ?? 0)) {
    throw new Problem(
      `Node ${wanted.join(".")} or newer is needed, this is ${process.versions.node}: see https://nodejs.org`,
    );
  }
}

function checkCargo() {
  if (probe("cargo", ["--version"])) return;
  // Freshly installed, but the shell has not read its profile again.
  const installed = join(homedir(), ".cargo", "bin");
  if (existsSync(installed)) {
    process.env.PATH = `${installed}${delimiter}${process.env.PATH}`;
    if (probe("cargo", ["--version"])) return;
  }
  throw new Problem(
    "cargo is needed to build the Rust core: install Rust from https://rustup.rs, then run this again",
  );
}

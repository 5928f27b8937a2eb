// Checks for the requirements that the scripts cannot install: Node and Rust, and the programs that
// the tests compare Tenure with. A missing one is reported in one line with what to do.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { inRoot } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

export function checkRequirements() {
  checkNode();
  checkCargo();
}

/** Checks for the programs that only tests need. */
export function checkPrograms(names) {
  const missing = names.filter((name) => probe(name, ["--version"]) === undefined);
  if (missing.length === 0) return;
  const all = missing.join(" ");
  throw new Problem(
    `the tests also run ${names.join(", ")}; not found: ${missing.join(", ")}. Install with \`apt-get install ${all}\` or \`brew install ${all}\``,
  );
}

/** Checks for clippy, with which the tests of Rust are compiled. */
export function checkClippy() {
  if (probe("clippy-driver", ["--version"])) return;
  throw new Problem(
    "the tests of Rust are compiled with clippy: install it with `rustup component add clippy`, or with Debian's package rust-clippy",
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
  // Rust is installed, but the shell has not reloaded its profile.
  const installed = join(homedir(), ".cargo", "bin");
  if (existsSync(installed)) {
    process.env.PATH = `${installed}${delimiter}${process.env.PATH}`;
    if (probe("cargo", ["--version"])) return;
  }
  throw new Problem(
    "cargo is needed to build the Rust core: install Rust from https://rustup.rs, then run this again",
  );
}

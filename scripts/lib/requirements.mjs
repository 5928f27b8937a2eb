// Checks that the two things which the scripts cannot install are there, Node and Rust, and says in
// one line what to do when they are not.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { inRoot } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

export function checkRequirements() {
  checkNode();
  checkCargo();
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

// Checks that the addon and the command have the same features of each crate that both are made of. With
// other features a crate, and all that uses it, is compiled once for each.

import { Problem, run } from "./run.mjs";

const programs = ["tenure-node", "tenure-cli"];

/** Throws a problem with the list of crates whose features differ. */
export async function checkFeatures(show) {
  const [ofAddon, ofCommand] = await Promise.all(programs.map(featuresOf));
  const problems = differences(ofAddon, ofCommand).map(
    ({ crate, addon, command }) =>
      `${crate} has the features ${addon} in the addon and ${command} in the command: name those that are missing in host/Cargo.toml, or in Cargo.toml for a dependency of the workspace`,
  );
  if (problems.length > 0) throw new Problem(problems.join("\n"));
  const shared = [...ofAddon.keys()].filter((crate) => ofCommand.has(crate));
  show.out(`the addon and the command share ${shared.length} crates\n`);
}

/** The crates of both that differ in their features. */
export function differences(ofAddon, ofCommand) {
  return [...ofAddon]
    .map(([crate, addon]) => ({ crate, addon, command: ofCommand.get(crate) }))
    .filter(({ addon, command }) => command !== undefined && addon !== command);
}

/** The features of the crates that a crate of the workspace is made of, by name and version. */
async function featuresOf(name) {
  const args = ["tree", "--offline", "-p", name, "-e", "normal,build", "--prefix", "none"];
  const { stdout } = await run("cargo", [...args, "-f", "{p}\t{f}"], { data: true });
  return readFeatures(stdout);
}

/**
 * Reads the output of `cargo tree`: a crate and its features in each line. A crate that build scripts use, too,
 * may be there with other features.
 */
export function readFeatures(tree) {
  const found = new Map();
  for (const line of tree.split("\n").filter((line) => line !== "")) {
    const [crate, features = ""] = line.replace(/ \(\*\)$/, "").split("\t");
    found.set(crate, (found.get(crate) ?? new Set()).add(features));
  }
  return new Map([...found].map(([crate, all]) => [crate, [...all].sort().join(" and ")]));
}

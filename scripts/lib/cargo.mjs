// Runs cargo for what ships: finds the file that it has built, and keeps the paths of the machine that
// builds out of it.

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./paths.mjs";
import { Problem, probe, run } from "./run.mjs";

/** On a build server a lock file that does not fit is an error, elsewhere cargo brings it up to date. */
export const locked = process.env.CI ? ["--locked"] : [];

/** Runs cargo and returns the path of the library or program that it reports for this crate. */
export async function compile(cargo, args, crate, env) {
  const { stdout } = await run(
    cargo,
    [...args, ...locked, "--message-format=json-render-diagnostics"],
    { env, data: true },
  );
  for (const line of stdout.split("\n").reverse()) {
    if (!line.includes('"compiler-artifact"') || !line.includes(`"${crate}"`)) continue;
    const { target, filenames, executable } = JSON.parse(line);
    const library = filenames.find((path) => /\.(so|dylib|dll|wasm)$/.test(path));
    if (target.name === crate && (executable ?? library)) return executable ?? library;
  }
  throw new Problem(`cargo built no library or program named ${crate}`);
}

/** The triple of the platform that a compiler runs on, which is what it compiles for by default. */
export function hostTriple(rustc = "rustc") {
  const triple = probe(rustc, ["-vV"])?.match(/^host: (.+)$/m)?.[1];
  if (triple === undefined) throw new Problem(`${rustc} does not say which platform it is for`);
  return triple;
}

/** The arguments that have cargo compile for a target with these flags of rustc. */
export function rustFlags(target, flags) {
  return ["--config", `target.${target}.rustflags=${JSON.stringify(flags)}`];
}

/**
 * The flags of rustc that replace the folders of this machine by names that are the same everywhere.
 * Panics carry the paths of source files into what is built.
 */
export async function remapFlags({ cargo = "cargo", rustc = "rustc" } = {}) {
  const arguments_ = ["metadata", "--format-version", "1", ...locked];
  const metadata = JSON.parse((await run(cargo, arguments_, { data: true })).stdout);
  const registries = metadata.packages
    .filter(({ source }) => source?.startsWith("registry+"))
    .map(({ manifest_path }) => dirname(dirname(manifest_path)));
  const sources = librarySources(rustc);
  // Of several prefixes that fit, the last one counts.
  const names = [
    [metadata.target_directory, "/tenure/target"],
    [root, "/tenure"],
    [metadata.workspace_root, "/tenure"],
    ...registries.map((folder) => [folder, "/crates"]),
    ...sources.map((folder) => [folder, "/rust"]),
  ];
  return [...new Set(names.map(([from, to]) => `--remap-path-prefix=${from}=${to}`))];
}

/** Where a compiler's own library has its sources, under each of its names; none if they are not installed. */
function librarySources(rustc) {
  const sysroot = probe(rustc, ["--print", "sysroot"]);
  const folder = sysroot && join(sysroot, "lib", "rustlib", "src", "rust");
  return folder && existsSync(folder) ? [realpathSync(folder), folder] : [];
}

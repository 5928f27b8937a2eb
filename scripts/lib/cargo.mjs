// Runs cargo for the files that ship: finds the built file, and keeps paths of the build machine
// out of it.

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./paths.mjs";
import { Problem, probe, run } from "./run.mjs";

/** On a build server an outdated lock file is an error; elsewhere cargo updates it. */
export const locked = process.env.CI ? ["--locked"] : [];

/**
 * Runs cargo, and returns the path of the built library or program of this crate. `flags` are those of
 * `cargo rustc`, for this crate alone.
 */
export async function compile(cargo, args, crate, { env, flags = [] } = {}) {
  const { stdout } = await run(
    cargo,
    [...args, ...locked, "--message-format=json-render-diagnostics", "--", ...flags],
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

/**
 * The test programs of a crate, each with the folder in which cargo runs it. They are those of the whole workspace: a crate alone
 * may need fewer features of others, and would have them compiled again.
 */
export async function testPrograms(crate, { env } = {}) {
  const format = ["--message-format=json-render-diagnostics"];
  const args = ["test", ...locked, "--workspace", "--no-run", ...format];
  const { stdout } = await run("cargo", args, { env, data: true });
  return stdout
    .split("\n")
    .filter((line) => line.includes('"executable":"') && line.includes('"test":true'))
    .map((line) => JSON.parse(line))
    .filter(({ package_id, profile }) => profile.test && package_id.includes(`#${crate}@`))
    .map(({ executable, manifest_path }) => ({ executable, folder: dirname(manifest_path) }));
}

/**
 * Arguments of cargo for what uses the core so little that optimizing it, as the profile does for
 * long tests, takes longer.
 */
export const unoptimizedCore = ["--config", "profile.dev.package.tenure-core.opt-level=0"];

/** The triple of a compiler's host platform, which is its default target. */
export function hostTriple(rustc = "rustc") {
  const triple = probe(rustc, ["-vV"])?.match(/^host: (.+)$/m)?.[1];
  if (triple === undefined) throw new Problem(`${rustc} does not say which platform it is for`);
  return triple;
}

/** The arguments with which cargo compiles for a target with these flags of rustc. */
export function rustFlags(target, flags) {
  return ["--config", `target.${target}.rustflags=${JSON.stringify(flags)}`];
}

/**
 * The flags of rustc that replace the folders of this machine by fixed names. Panic messages
 * contain the paths of source files.
 */
export async function remapFlags({ cargo = "cargo", rustc = "rustc" } = {}) {
  const arguments_ = ["metadata", "--format-version", "1", ...locked];
  const metadata = JSON.parse((await run(cargo, arguments_, { data: true })).stdout);
  const registries = metadata.packages
    .filter(({ source }) => source?.startsWith("registry+"))
    .map(({ manifest_path }) => dirname(dirname(manifest_path)));
  const sources = librarySources(rustc);
  // If several prefixes match, rustc uses the last one.
  const names = [
    [metadata.target_directory, "/tenure/target"],
    [root, "/tenure"],
    [metadata.workspace_root, "/tenure"],
    ...registries.map((folder) => [folder, "/crates"]),
    ...sources.map((folder) => [folder, "/rust"]),
  ];
  return [...new Set(names.map(([from, to]) => `--remap-path-prefix=${from}=${to}`))];
}

/**
 * The folders with the sources of the standard library, under each of their names; empty if they
 * are not installed.
 */
function librarySources(rustc) {
  const sysroot = probe(rustc, ["--print", "sysroot"]);
  const folder = sysroot && join(sysroot, "lib", "rustlib", "src", "rust");
  return folder && existsSync(folder) ? [realpathSync(folder), folder] : [];
}

// Programs that cargo installs for this repository only, into .tools, each in an exact version.

import { join } from "node:path";
import { toolsDir } from "./paths.mjs";
import { probe, run } from "./run.mjs";

/**
 * The path of a program of a crate in exactly this version, taken from PATH or built with these
 * arguments of `cargo install`. `building` is called before a build, which takes a minute or two.
 */
export async function cargoTool({
  crate,
  program = crate,
  version,
  args: more = [],
  building = () => {},
}) {
  const own = join(toolsDir, "bin", program);
  const isThere = (path) => probe(path, ["--version"])?.endsWith(` ${version}`);
  if (isThere(own)) return own;
  if (isThere(program)) return program;
  building();
  // They run for seconds and are built once, so an optimized build would cost more than it saves.
  const args = ["install", crate, "--version", version, "--root", toolsDir, "--debug", ...more];
  const install = (...locked) =>
    run("cargo", [...args, ...locked], { env: { CARGO_PROFILE_DEV_DEBUG: "0" } });
  // Its own lock file is preferred, but may name a version that is no longer available.
  await install("--locked").catch(() => install());
  return own;
}

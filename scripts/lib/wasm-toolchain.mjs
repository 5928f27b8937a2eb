// Finds the tools that compile to WebAssembly: a Rust toolchain, and wasm-bindgen in the version of
// Cargo.lock. Missing tools are installed if that needs no interaction.
//
// Every toolchain has the same version, builds the standard library from source and gets the same
// flags, so that modules have the same size wherever they are built. The order of preference is:
// `rustc` in PATH, rustup's toolchain of the version, Debian's compiler, an installation by rustup,
// and an installation by apt. TENURE_WASM_TOOLCHAIN=debian uses Debian's compiler, for machines
// that can reach Debian's packages but not Rust's servers.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostTriple, remapFlags, rustFlags } from "./cargo.mjs";
import { cargoTool } from "./cargo-tools.mjs";
import { canInstallDebianPackages, installDebianPackages } from "./debian.mjs";
import { inRoot } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

/**
 * The version of the compiler. Debian's may be newer, because its repository has one version only.
 */
const rustVersion = "1.96.0";

const target = "wasm32-unknown-unknown";
const debianSysroot = "/usr";

const installation = `rustup toolchain install ${rustVersion} --profile minimal --component rust-src`;

let found;

/**
 * How to run cargo for WebAssembly: the program, its arguments after the subcommand, and its
 * environment. `release` has further arguments for modules that ship: a standard library optimized
 * for size, panics that trap without a message, and no paths of this machine.
 */
export async function wasmToolchain() {
  found ??= await findToolchain();
  return found;
}

async function findToolchain() {
  const toolchain = await findCompiler();
  const { cargo, rustc, rustdoc } = toolchain;
  const flags = [
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    ...(await remapFlags({ cargo, rustc })),
  ];
  return {
    cargo,
    args: ["--target", target, "-Z", "build-std=std,panic_abort"],
    env: {
      RUSTC: rustc,
      RUSTDOC: rustdoc,
      // Building the standard library and the behaviour of panics are unstable options.
      RUSTC_BOOTSTRAP: "1",
      ...(await linkerFor(toolchain)),
    },
    release: {
      args: ["-Z", "build-std-features=optimize_for_size", ...rustFlags(target, flags)],
    },
  };
}

async function findCompiler() {
  const choice = process.env.TENURE_WASM_TOOLCHAIN ?? "";
  if (choice === "debian") return debianToolchain() ?? (await installDebianToolchain());
  if (choice !== "")
    throw new Problem(`TENURE_WASM_TOOLCHAIN is "${choice}"; the only value it knows is "debian"`);
  return (
    toolchainIn(probe("rustc", ["--print", "sysroot"])) ??
    rustupToolchain() ??
    debianToolchain() ??
    installRustupToolchain() ??
    (await installDebianToolchain())
  );
}

/** The toolchain in a folder, if it has the version and the sources of the standard library. */
function toolchainIn(sysroot, fits = (version) => version === rustVersion) {
  if (sysroot === undefined) return undefined;
  const program = (name) => join(sysroot, "bin", name);
  const rustc = program("rustc");
  const version = probe(rustc, ["--version"])?.match(/^rustc (\S+)/)?.[1];
  const sources = join(sysroot, "lib", "rustlib", "src", "rust", "library", "Cargo.lock");
  if (version === undefined || !fits(version) || !existsSync(sources)) return undefined;
  if (probe(program("cargo"), ["--version"]) === undefined) return undefined;
  return { sysroot, rustc, cargo: program("cargo"), rustdoc: program("rustdoc") };
}

function rustupToolchain() {
  const rustc = probe("rustup", ["which", "rustc", "--toolchain", rustVersion], {
    // Only queries the toolchain: by default rustup would install it.
    env: { RUSTUP_AUTO_INSTALL: "0" },
  });
  return rustc && toolchainIn(dirname(dirname(rustc)));
}

function installRustupToolchain() {
  const [command, ...args] = installation.split(" ");
  const installed = probe(command, args, { timeoutMs: 300_000 }) !== undefined;
  return installed ? rustupToolchain() : undefined;
}

function debianToolchain() {
  return toolchainIn(debianSysroot, (version) => isAtLeast(version, rustVersion));
}

async function installDebianToolchain() {
  if (!canInstallDebianPackages()) throw new Problem(`the wasm build needs Rust: ${installation}`);
  await installDebianPackages("rustc-web", "cargo-web", "rust-web-src");
  const installed = debianToolchain();
  if (installed === undefined)
    throw new Problem(
      `the wasm build needs Rust ${rustVersion}, which Debian's packages are too old for: ${installation}`,
    );
  return installed;
}

function isAtLeast(version, least) {
  return version.localeCompare(least, "en", { numeric: true }) >= 0;
}

/** The linker, if it must be given: rustup's toolchains have one, and Debian's does not. */
async function linkerFor({ sysroot, rustc }) {
  if (existsSync(shippedLinker(sysroot, rustc))) return {};
  const path = findLinker() ?? (await installDebianPackages("lld").then(findLinker));
  if (path === undefined) throw new Problem("the wasm build needs the linker wasm-ld: install lld");
  return { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: path };
}

function shippedLinker(sysroot, rustc) {
  return join(sysroot, "lib", "rustlib", hostTriple(rustc), "bin", "rust-lld");
}

/** A linker for WebAssembly: the one of the toolchain, or LLVM's. */
function findLinker() {
  const sysroot = probe("rustc", ["--print", "sysroot"]);
  const shipped = sysroot && shippedLinker(sysroot, "rustc");
  if (shipped && existsSync(shipped)) return shipped;
  return ["wasm-ld", "wasm-ld-19", "wasm-ld-16", "wasm-ld-14"].find(
    (name) => probe(name, ["--version"]) !== undefined,
  );
}

/**
 * The version of wasm-bindgen in Cargo.lock. The program and the library must have the same
 * version.
 */
export function wasmBindgenVersion() {
  const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
  const version = lock.match(/^name = "wasm-bindgen"\r?\nversion = "([^"]+)"/m)?.[1];
  if (!version) throw new Problem("Cargo.lock names no version of wasm-bindgen");
  return version;
}

/** The path of wasm-bindgen's command-line program; see `cargoTool`. */
export function wasmBindgen(building = undefined) {
  return cargoTool({
    crate: "wasm-bindgen-cli",
    program: "wasm-bindgen",
    version: wasmBindgenVersion(),
    // TLS, the default feature, is for browsers on other machines.
    args: ["--no-default-features", "--bin", "wasm-bindgen"],
    building,
  });
}

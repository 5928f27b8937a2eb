// Finds what compiles the wasm build: a Rust toolchain for wasm32-unknown-unknown, and wasm-bindgen of
// the version that Cargo.lock names. What is missing is installed where that can be done quietly.
//
// The toolchain is looked for in this order: the target is installed; rustup adds it; Debian's compiler
// with the standard library built from its sources. TENURE_WASM_TOOLCHAIN=debian goes straight to the
// last one, for machines that reach Debian's packages but not Rust's servers.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cargoTool } from "./cargo-tools.mjs";
import { canInstallDebianPackages, installDebianPackages } from "./debian.mjs";
import { inRoot } from "./paths.mjs";
import { Problem, probe } from "./run.mjs";

const target = "wasm32-unknown-unknown";
const debianRust = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

let found;

/**
 * How to run cargo for WebAssembly: the program, its arguments after the subcommand, its environment.
 * `release` is what a release build adds to them where the standard library is built along with it: a
 * library that prefers size, and panics that trap without first formatting a message that WebAssembly
 * has no way to show.
 */
export async function wasmToolchain() {
  found ??= await findToolchain();
  return found;
}

async function findToolchain() {
  const choice = process.env.TENURE_WASM_TOOLCHAIN ?? "";
  if (choice === "debian") return debianToolchain();
  if (choice !== "")
    throw new Problem(`TENURE_WASM_TOOLCHAIN is "${choice}"; the only value it knows is "debian"`);

  const plain = {
    cargo: "cargo",
    args: ["--target", target],
    env: {},
    release: { args: [], env: {} },
  };
  if (hasTarget("rustc")) return plain;
  if (
    probe("rustup", ["target", "add", target], { timeoutMs: 120_000 }) !== undefined &&
    hasTarget("rustc")
  )
    return plain;
  if (existsSync(debianRust) || canInstallDebianPackages()) return debianToolchain();
  throw new Problem(
    `the wasm build needs Rust's target ${target}: run \`rustup target add ${target}\``,
  );
}

function hasTarget(rustc) {
  const dir = probe(rustc, ["--print", "target-libdir", "--target", target]);
  return dir !== undefined && existsSync(dir);
}

/** Debian has no compiled standard library for this target, but the sources to compile it from. */
async function debianToolchain() {
  const rustc = "/usr/bin/rustc";
  const cargo = "/usr/bin/cargo";
  if (![rustc, cargo, debianRust].every(existsSync))
    await installDebianPackages("rustc-web", "cargo-web", "rust-web-src");
  if (!findLinker()) await installDebianPackages("lld");
  return {
    cargo,
    args: ["--target", target, "-Z", "build-std=std,panic_abort"],
    env: {
      RUSTC: rustc,
      RUSTDOC: "/usr/bin/rustdoc",
      // Building the standard library is the one thing asked of this compiler that is not stable yet.
      RUSTC_BOOTSTRAP: "1",
      // For this target alone: RUSTFLAGS would also change how build scripts are compiled.
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: findLinker(),
    },
    release: {
      args: ["-Z", "build-std-features=optimize_for_size"],
      env: {
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: "-Zunstable-options -Cpanic=immediate-abort",
      },
    },
  };
}

/** A linker that speaks WebAssembly; every toolchain from rustup brings one. */
function findLinker() {
  const sysroot = probe("rustc", ["--print", "sysroot"]);
  const host = probe("rustc", ["-vV"])?.match(/^host: (.*)$/m)?.[1];
  const shipped = sysroot && host && join(sysroot, "lib", "rustlib", host, "bin", "rust-lld");
  if (shipped && existsSync(shipped)) return shipped;
  return ["wasm-ld", "wasm-ld-19", "wasm-ld-16", "wasm-ld-14"].find(
    (name) => probe(name, ["--version"]) !== undefined,
  );
}

/** The version of wasm-bindgen in Cargo.lock; program and library must be of one version. */
export function wasmBindgenVersion() {
  const lock = readFileSync(inRoot("Cargo.lock"), "utf8");
  const version = lock.match(/^name = "wasm-bindgen"\r?\nversion = "([^"]+)"/m)?.[1];
  if (!version) throw new Problem("Cargo.lock names no version of wasm-bindgen");
  return version;
}

/** The path of a program of wasm-bindgen's command-line package; see `cargoTool`. */
export function wasmBindgen(program = "wasm-bindgen", building = undefined) {
  return cargoTool({ crate: "wasm-bindgen-cli", program, version: wasmBindgenVersion(), building });
}

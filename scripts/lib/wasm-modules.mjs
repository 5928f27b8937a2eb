// The WebAssembly modules: what each is made of, how it is built, and the most that it may weigh.

import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { compile } from "./cargo.mjs";
import { inRoot, stateDir } from "./paths.mjs";
import { bytes, step } from "./progress.mjs";
import { nodeTool, Problem, run } from "./run.mjs";
import { rustSources, whenChanged } from "./stamp.mjs";
import { orderFunctions } from "./wasm-order.mjs";
import { wasmBindgen, wasmBindgenVersion, wasmToolchain } from "./wasm-toolchain.mjs";

/**
 * The modules. Each has a crate of its own: cargo has one file for the library of a crate, whatever its
 * features are, so two modules of one crate would be compiled again at every build. `without` names the
 * folders that are not part of it; `budget` is the most that it may weigh, in KiB of gzip; `glue` names
 * the earlier module whose JavaScript it shares, so that one can be loaded in place of the other.
 */
export const wasmModules = [
  {
    title: "wasm for browsers",
    name: "tenure_wasm",
    without: ["apps", "bindings-testing", "stores/testkit"],
    budget: 200,
  },
  {
    title: "wasm with everything",
    name: "tenure_complete",
    glue: "tenure_wasm",
    without: ["bindings-testing", "stores/testkit"],
    budget: 396,
  },
  {
    title: "wasm for tests",
    name: "tenure_testing",
    without: ["bindings-wasm"],
    budget: 175,
  },
];

/** The module that a browser loads. */
export const browserModule = wasmModules[0];

/** No part of any module. */
const neverPart = [
  "bindings-node",
  "cli",
  "host",
  "stores/file",
  "stores/git",
  "stores/histories",
  "stores/postgres",
  "stores/sqlite",
  "stores/support",
];

/** What decides, beside the sources, how a module is built. */
const recipe = [
  "scripts/lib/cargo.mjs",
  "scripts/lib/wasm-modules.mjs",
  "scripts/lib/wasm-order.mjs",
  "scripts/lib/wasm-sections.mjs",
  "scripts/lib/wasm-toolchain.mjs",
];

/**
 * How wasm-opt makes a module small. Low memory is the end of the stack, which grows down to address 0:
 * what is assumed of it can only make an overflowing stack trap a few bytes earlier. The names of
 * functions are left in, for the order of the functions. A large function with one caller stays a
 * function of its own: its repetitions are found beside those that it resembles.
 */
const optimizations = [
  "-Oz",
  "--converge",
  "--low-memory-unused",
  "--one-caller-inline-max-function-size=70",
  // Alignments are hints that engines ignore.
  "--dealign",
  "--debuginfo",
];

/** Without the names of functions and of the tools. */
const stripping = ["--strip-debug", "--strip-producers", "--strip-target-features"];

/** Builds a module into `npm/wasm`, if anything has changed, and says what it weighs. */
export async function buildWasmModule(module, show) {
  const { title, name, glue, without } = module;
  const ofItsOwn = glue ? [] : [`${name}.js`, `${name}.d.ts`, `${name}_bg.wasm.d.ts`];
  const outputs = [`${name}_bg.wasm`, ...ofItsOwn];
  const body = async (working) => {
    const { note } = await whenChanged(
      name,
      {
        inputs: [...rustSources({ without: [...neverPart, ...without] }), ...recipe],
        outputs: outputs.map((output) => join("npm", "wasm", output)),
      },
      async () => {
        const built = await makeWasmModule(module, {
          folder: inRoot("npm", "wasm"),
          flags: stripping,
          working,
        });
        return weigh(module, readFileSync(built));
      },
    );
    return note;
  };
  await step(title, body, show);
}

/** Compiles a module, binds it and optimizes it into a folder; returns the path of the module. */
export async function makeWasmModule({ name, glue = name }, { folder, flags, working }) {
  const bindgen = await wasmBindgen(() => working(`building wasm-bindgen ${wasmBindgenVersion()}`));
  working("compiling");
  const { cargo, args, env, release } = await wasmToolchain();
  const crate = ["-p", name.replace("_", "-"), "--profile", "release-wasm"];
  // Cargo ignores link-time optimization when a crate is also built as a Rust library.
  const library = ["rustc", "--crate-type", "cdylib"];
  const compiled = await compile(cargo, [...library, ...crate, ...args, ...release.args], name, {
    env,
  });
  const bound = glue === name ? folder : join(stateDir, name);
  await run(bindgen, ["--target", "web", "--out-dir", bound, "--out-name", glue, compiled]);
  if (glue !== name) checkSame(join(bound, `${glue}.js`), join(folder, `${glue}.js`));
  working("optimizing");
  const module = join(folder, `${name}_bg.wasm`);
  const [node, wasmOpt] = nodeTool("binaryen", "wasm-opt");
  const source = join(bound, `${glue}_bg.wasm`);
  await run(node, [wasmOpt, ...optimizations, "-o", `${module}.new`, source]);
  await orderFunctions(`${module}.new`, flags);
  renameSync(`${module}.new`, module);
  return module;
}

/** Checks that two modules that share their JavaScript import and export the same. */
function checkSame(own, shared) {
  if (!existsSync(shared) || readFileSync(own, "utf8") === readFileSync(shared, "utf8")) return;
  throw new Problem(`${own} differs from ${shared}, which is used in its place`);
}

/** Says what a module weighs against its budget, and fails if that is more. */
function weigh({ title, budget }, module) {
  const gzip = gzipSync(module, { level: 9 }).length;
  const brotli = brotliCompressSync(module).length;
  const sizes = `${bytes(module.length)}, gzip ${bytes(gzip)} of at most ${budget} KiB, brotli ${bytes(brotli)}`;
  if (gzip > budget * 1024) {
    throw new Problem(
      `${title} is too large: ${sizes}. \`node scripts/wasm-sizes.mjs\` says what is in it`,
    );
  }
  return sizes;
}

// Builds the repository: `node scripts/build.mjs [types|native|cli|wasm|ts]...`, everything when no step is
// named. A step whose sources have not changed since it last ran takes no time.
//
//   types   npm/src/generated.ts, the TypeScript types of the operations, from the Rust source
//   native  npm/native/tenure-<platform>-<arch>.node, the addon for Node
//   cli     npm/bin/tenure, the command
//   wasm    npm/wasm, the WebAssembly build, the kit for stores, and their JavaScript glue
//   ts      npm/dist, the compiled TypeScript
//
// `types --check` writes nothing and fails when the committed file is not what would be written.

import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { ensurePackages, toBuild, toTest } from "./lib/packages.mjs";
import { inRoot, stateDir } from "./lib/paths.mjs";
import { bytes, step } from "./lib/progress.mjs";
import { checkRequirements } from "./lib/requirements.mjs";
import { main, nodeTool, Problem, probe, run } from "./lib/run.mjs";
import { rustSources, whenChanged } from "./lib/stamp.mjs";
import { wasmBindgen, wasmBindgenVersion, wasmToolchain } from "./lib/wasm-toolchain.mjs";

const generatedTypes = "npm/src/generated.ts";

/** On a build server a lock file that does not fit is an error, elsewhere cargo brings it up to date. */
export const locked = process.env.CI ? ["--locked"] : [];

const steps = {
  types: buildTypes,
  native: buildNative,
  cli: buildCommand,
  wasm: buildWasm,
  ts: buildTypeScript,
};

/** Builds these steps, in the order in which they need each other, after what they need is installed. */
export async function build(names = Object.keys(steps)) {
  checkRequirements();
  if (names.includes("wasm")) await ensurePackages(toTest);
  else if (names.includes("ts")) await ensurePackages(toBuild);
  for (const name of Object.keys(steps)) if (names.includes(name)) await steps[name]();
}

async function buildTypes() {
  await step("generated types", async (working) => {
    const inputs = rustSources({
      without: [
        "bindings-node",
        "bindings-wasm",
        "bindings-testing",
        "cli",
        "host",
        "stores/support",
        "stores/testkit",
      ],
    });
    await whenChanged("types", { inputs, outputs: [generatedTypes] }, async () => {
      working("generating");
      const text = await generateTypes();
      // Left alone when nothing changes, so that nothing is compiled again because of it.
      if (readTypes() !== text) writeFileSync(inRoot(generatedTypes), text);
    });
  });
}

/** Fails when the committed types are not those of the Rust source. */
export async function checkTypes() {
  if (readTypes() !== (await generateTypes())) {
    throw new Problem(
      `${generatedTypes} is not what the Rust source generates: run \`node scripts/build.mjs types\``,
    );
  }
}

async function generateTypes() {
  const args = [
    "run",
    "--quiet",
    ...locked,
    "-p",
    "tenure-bridge",
    "--features",
    "ts",
    "--bin",
    "generate-types",
  ];
  return (await run("cargo", args, { data: true })).stdout;
}

function readTypes() {
  try {
    return readFileSync(inRoot(generatedTypes), "utf8");
  } catch {
    return undefined;
  }
}

async function buildNative() {
  const addon = `npm/native/${addonName()}`;
  await step("native addon", async (working) => {
    const { note } = await whenChanged(
      "native",
      {
        inputs: rustSources({
          without: ["bindings-wasm", "bindings-testing", "cli", "stores/support", "stores/testkit"],
        }),
        outputs: [addon],
      },
      async () => {
        working("compiling");
        const library = await compile(
          "cargo",
          ["build", "-p", "tenure-node", "--profile", "release-node"],
          "tenure_node",
        );
        return place(library, addon);
      },
    );
    return note;
  });
}

async function buildCommand() {
  const command = "npm/bin/tenure";
  await step("command", async (working) => {
    const { note } = await whenChanged(
      "cli",
      {
        inputs: rustSources({
          without: [
            "bindings-node",
            "bindings-wasm",
            "bindings-testing",
            "stores/support",
            "stores/testkit",
          ],
        }),
        outputs: [command],
      },
      async () => {
        working("compiling");
        const build = ["build", "-p", "tenure-cli", "--release"];
        const program = await compileStatic(build).catch(() => compile("cargo", build, "tenure"));
        return place(program, command);
      },
    );
    return note;
  });
}

/**
 * Compiles the command with the C library in it. It starts in half of the time then, and runs on every
 * Linux, whichever C library that has. Fails where there is none to put in.
 */
async function compileStatic(build) {
  const target = probe("rustc", ["-vV"])?.match(/^host: (.+-linux-gnu)$/m)?.[1];
  if (target === undefined) throw new Problem("this system has no such C library");
  const flags = `target.${target}.rustflags=["-C", "target-feature=+crt-static"]`;
  return compile("cargo", [...build, "--target", target, "--config", flags], "tenure");
}

/** Puts what was built where the package has it, and says how large it is. */
function place(built, path) {
  mkdirSync(dirname(inRoot(path)), { recursive: true });
  // A running process may have the old file mapped: it is replaced, never written into.
  copyFileSync(built, inRoot(`${path}.new`));
  renameSync(inRoot(`${path}.new`), inRoot(path));
  return bytes(statSync(inRoot(path)).size);
}

/** The name under which the package looks for the addon of this platform. */
function addonName() {
  const musl = process.platform === "linux" && !usesGlibc() ? "-musl" : "";
  return `tenure-${process.platform}-${process.arch}${musl}.node`;
}

function usesGlibc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}

/**
 * The modules that the wasm step makes: the crate of each, how it is built, the folders that are not
 * part of it, and the most that it may weigh, in bytes of gzip.
 */
const wasmModules = [
  {
    title: "wasm for browsers",
    name: "tenure_wasm",
    crate: "tenure_wasm",
    features: ["--no-default-features"],
    without: ["apps", "bindings-testing", "stores/testkit"],
    budget: 280 * 1024,
  },
  {
    title: "wasm for Node",
    name: "tenure_complete",
    crate: "tenure_wasm",
    features: [],
    without: ["bindings-testing", "stores/testkit"],
  },
  {
    title: "wasm for tests",
    name: "tenure_testing",
    crate: "tenure_testing",
    features: [],
    without: ["apps", "bindings-wasm"],
  },
];

async function buildWasm() {
  for (const module of wasmModules) await buildWasmModule(module);
}

async function buildWasmModule({ title, name, crate, features, without, budget }) {
  const module = `npm/wasm/${name}_bg.wasm`;
  const outputs = [`${name}.js`, `${name}.d.ts`, `${name}_bg.wasm`, `${name}_bg.wasm.d.ts`];
  await step(title, async (working) => {
    const { note } = await whenChanged(
      name,
      {
        inputs: rustSources({
          without: [
            "bindings-node",
            "cli",
            "host",
            "stores/file",
            "stores/git",
            "stores/sqlite",
            "stores/support",
            ...without,
          ],
        }),
        outputs: outputs.map((output) => `npm/wasm/${output}`),
      },
      async () => {
        const bindgen = await wasmBindgen("wasm-bindgen", () =>
          working(`building wasm-bindgen ${wasmBindgenVersion()}`),
        );
        working("compiling");
        const { cargo, args, env, release } = await wasmToolchain();
        // Cargo ignores link-time optimization when a crate is also built as a Rust library.
        const compiled = await compile(
          cargo,
          [
            "rustc",
            "--crate-type",
            "cdylib",
            "-p",
            crate.replace("_", "-"),
            "--profile",
            "release-wasm",
            ...features,
            ...args,
            ...release.args,
          ],
          crate,
          { ...env, ...release.env },
        );
        const named = ["--out-name", name, "--out-dir", inRoot("npm", "wasm")];
        await run(bindgen, ["--target", "web", ...named, compiled]);
        working("optimizing");
        const [node, wasmOpt] = nodeTool("binaryen", "wasm-opt");
        await run(node, [
          wasmOpt,
          "-Os",
          "--strip-debug",
          "-o",
          inRoot(`${module}.new`),
          inRoot(module),
        ]);
        renameSync(inRoot(`${module}.new`), inRoot(module));
        return weigh(title, readFileSync(inRoot(module)), budget);
      },
    );
    return note;
  });
}

/** Says how large a module is, and fails where that is more than it may be. */
function weigh(title, module, budget) {
  const gzip = gzipSync(module, { level: 9 }).length;
  const brotli = brotliCompressSync(module).length;
  const sizes = `${bytes(module.length)} (gzip ${bytes(gzip)}, brotli ${bytes(brotli)})`;
  if (budget === undefined) return sizes;
  if (gzip <= budget) return `${sizes}, of ${bytes(budget)} gzip at most`;
  throw new Problem(`${title} is ${sizes}: at most ${bytes(budget)} gzip is allowed`);
}

/** Runs cargo and returns the path of the library or program that it says it made of this crate. */
async function compile(cargo, args, crate, env) {
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

async function buildTypeScript() {
  await step("TypeScript", async (working) => {
    // The compiler reads the glue's types, so a change of the wasm build's surface counts as well.
    const inputs = [
      "npm/src",
      "npm/tsconfig.json",
      "npm/package.json",
      "npm/wasm/tenure_wasm.d.ts",
      "npm/wasm/tenure_testing.d.ts",
    ];
    await whenChanged("ts", { inputs, outputs: ["npm/dist"] }, async () => {
      working("compiling");
      const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
      // Into an empty folder: what is left of a module that was renamed would be published. And
      // beside the old one, which stays as it is while there are errors.
      const fresh = join(stateDir, "dist");
      rmSync(fresh, { recursive: true, force: true });
      await run(node, [tsc, "-p", "npm", "--outDir", fresh]);
      rmSync(inRoot("npm", "dist"), { recursive: true, force: true });
      renameSync(fresh, inRoot("npm", "dist"));
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const names = process.argv.slice(2).filter((name) => name !== "all");
    if (names.join(" ") === "types --check") return checkTypes();
    const unknown = names.find((name) => !(name in steps));
    if (unknown)
      throw new Problem(
        `there is no step "${unknown}": the steps are ${Object.keys(steps).join(", ")} and all`,
      );
    await build(names.length > 0 ? names : undefined);
  });
}

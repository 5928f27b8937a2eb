// Builds the repository: `node scripts/build.mjs [types|native|cli|wasm|ts|ui]...`, by default all
// steps. A step whose inputs have not changed since its last run is skipped.
//
//   types   npm/src/generated.ts, the TypeScript types of the operations, and server/src/results.json, the
//           schemas of their results, from the Rust source
//   native  npm/native/tenure-<platform>-<arch>.node, the addon for Node
//   cli     npm/bin/tenure, the command
//   wasm    npm/wasm, the WebAssembly build, the kit for stores, and their JavaScript glue
//   ts      npm/dist, the compiled TypeScript
//   ui      ui/dist, the page of the web UI
//
// Without arguments the addon and the command are optimized as they are published, and take twice as long.
//
// Two steps build what a program in Node serves, in less time: `wasm-browser` is the browser's module
// of `wasm`, and `ui-served` is `ui` without the page that needs no server.

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
import {
  compile,
  hostTriple,
  locked,
  remapFlags,
  rustFlags,
  unoptimizedCore,
} from "./lib/cargo.mjs";
import { compileCommonjs, ensureGlue } from "./lib/commonjs.mjs";
import { inLanes } from "./lib/lanes.mjs";
import { addonNames, writeLocations } from "./lib/package-locations.mjs";
import { ensurePackages, toBuild, toTest } from "./lib/packages.mjs";
import { inRoot, stateDir } from "./lib/paths.mjs";
import { bytes, step } from "./lib/progress.mjs";
import { checkRequirements } from "./lib/requirements.mjs";
import { main, nodeTool, Problem, run } from "./lib/run.mjs";
import { isUnchanged, rustSources, whenChanged } from "./lib/stamp.mjs";
import { browserModule, buildWasmModule, wasmModules } from "./lib/wasm-modules.mjs";
import { buildWebUi } from "./lib/web-ui.mjs";

/** What is generated from the Rust source, with the argument that selects it. */
const generated = [
  { path: "npm/src/generated.ts", args: [] },
  { path: "server/src/results.json", args: ["results"] },
];

const steps = {
  types: buildTypes,
  native: buildNative,
  cli: buildCommand,
  wasm: buildWasm,
  "wasm-browser": (show) => buildWasmModule(browserModule, show),
  ts: buildTypeScript,
  ui: () => buildWebUi(),
  "ui-served": () => buildWebUi({ servedOnly: true }),
};

/** The steps that are built if none is named. */
const all = ["types", "native", "cli", "wasm", "ts", "ui"];

/** These steps need the outputs of all others, and run in this order. */
const last = ["ts", "ui", "ui-served"];

const isWasm = (name) => name.startsWith("wasm");

/**
 * Builds these steps, after installing the packages that they need. WebAssembly is built beside the
 * other steps: both end in a phase that keeps one processor busy. TypeScript needs their outputs, and the
 * web UI is made of all that a browser loads. With `published` the addon and the command are optimized as they are
 * published. `idle` is called when only WebAssembly is left, which keeps one processor busy.
 */
export async function build(names = all, { published = false, idle } = {}) {
  checkRequirements();
  if (names.some((name) => isWasm(name) || name.startsWith("ui"))) await ensurePackages(toTest);
  else if (names.includes("ts")) await ensurePackages(toBuild);
  const meant = Object.keys(steps).filter((name) => names.includes(name));
  const first = meant.filter((name) => !last.includes(name));
  let problem;
  let others = first.filter((name) => !isWasm(name)).length;
  await inLanes(
    first,
    { laneOf: (name) => (isWasm(name) ? "wasm" : "others") },
    async (name, show) => {
      if (problem) return;
      // A step that fails lets the one beside it come to its end.
      await steps[name](show, { published }).catch((error) => {
        problem ??= error;
      });
      if (!isWasm(name) && --others === 0 && !problem) idle?.();
    },
  );
  if (problem) throw problem;
  for (const name of last) if (meant.includes(name)) await steps[name]();
}

async function buildTypes(show) {
  const body = async (working) => {
    const inputs = rustSources({
      without: [
        "bindings-node",
        "bindings-wasm",
        "bindings-testing",
        "cli",
        "host",
        "server",
        "stores/histories",
        "stores/support",
        "stores/testkit",
      ],
    });
    const outputs = generated.map(({ path }) => path);
    await whenChanged("types", { inputs, outputs }, async () => {
      working("generating");
      for (const { path, args } of generated) {
        const text = await generateTypes(args);
        // An unchanged file is not written, so that nothing is recompiled because of it.
        if (readIfThere(path) !== text) writeFileSync(inRoot(path), text);
      }
    });
  };
  await step("generated types", body, show);
}

async function generateTypes(own) {
  const args = [
    "run",
    "--quiet",
    ...locked,
    ...unoptimizedCore,
    "-p",
    "tenure-bridge",
    "--features",
    "ts",
    "--bin",
    "generate-types",
    "--",
    ...own,
  ];
  return (await run("cargo", args, { data: true })).stdout;
}

function readIfThere(path) {
  try {
    return readFileSync(inRoot(path), "utf8");
  } catch {
    return undefined;
  }
}

async function buildNative(show, { published = false } = {}) {
  const library = {
    output: `npm/native/${addonName()}`,
    unused: ["cli"],
    compile: async () => {
      const build = ["rustc", "-p", "tenure-node", "--lib", ...(await nativeFlags(published))];
      return compile("cargo", build, "tenure_node");
    },
  };
  await step("native addon", (working) => makeBinary("native", library, published, working), show);
}

async function buildCommand(show, { published = false } = {}) {
  const program = {
    output: "npm/bin/tenure",
    unused: ["bindings-node"],
    compile: () => compileCommand(published),
  };
  await step("command", (working) => makeBinary("cli", program, published, working), show);
}

/**
 * Makes the addon or the command if its sources have changed. One that is optimized as it is published serves
 * everything else, too.
 */
async function makeBinary(name, { output, unused, compile }, published, working) {
  const about = {
    inputs: rustSources({
      without: [
        ...unused,
        "bindings-wasm",
        "bindings-testing",
        "stores/histories",
        "stores/support",
        "stores/testkit",
      ],
    }),
    outputs: [output],
  };
  const isFree = !published && isUnchanged(`${name}-published`, about);
  const stamp = published || isFree ? `${name}-published` : name;
  const { note } = await whenChanged(stamp, about, async () => {
    working("compiling");
    return place(await compile(), output);
  });
  return note;
}

/**
 * Compiles the command. On Linux the C library is linked statically if possible: then the command
 * starts in half of the time, and runs on every Linux. Flags of the command alone leave all other crates
 * as they are for the addon.
 */
async function compileCommand(published) {
  const target = hostTriple();
  const build = ["rustc", "-p", "tenure-cli", "--bin", "tenure", ...(await nativeFlags(published))];
  const compileWith = (...flags) =>
    compile("cargo", build, "tenure", { flags: ["-Cpanic=abort", ...flags] });
  if (!target.endsWith("-linux-gnu")) return compileWith();
  return compileWith("-Ctarget-feature=+crt-static").catch(() => compileWith());
}

/**
 * The arguments of cargo for the addon and the command. With an explicit target the flags of rustc do not
 * apply to build scripts.
 */
async function nativeFlags(published) {
  const target = hostTriple();
  const profile = published ? ["--profile", "published"] : ["--release"];
  return [...profile, "--target", target, ...rustFlags(target, await remapFlags())];
}

/** Copies a build output to its place in the package, and returns its size. */
function place(built, path) {
  mkdirSync(dirname(inRoot(path)), { recursive: true });
  // A running process may have mapped the old file, so the file is replaced and never written into.
  copyFileSync(built, inRoot(`${path}.new`));
  renameSync(inRoot(`${path}.new`), inRoot(path));
  return bytes(statSync(inRoot(path)).size);
}

/** The file name of this platform's addon in the package. */
function addonName() {
  const musl = process.platform === "linux" && !usesGlibc() ? "-musl" : "";
  return `tenure-${process.platform}-${process.arch}${musl}.node`;
}

function usesGlibc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}

async function buildWasm(show) {
  for (const module of wasmModules) await buildWasmModule(module, show);
}

async function buildTypeScript() {
  await step("TypeScript", async (working) => {
    // The compiler reads the types of the glue, so they are an input, too.
    const inputs = [
      "npm/src",
      "npm/tsconfig.json",
      "npm/package.json",
      "npm/wasm/tenure_wasm.d.ts",
      "npm/wasm/tenure_testing.d.ts",
      "npm/wasm/tenure_wasm.js",
      "npm/wasm/tenure_testing.js",
      "scripts/lib/commonjs.mjs",
      "scripts/lib/package-locations.mjs",
    ];
    const also = addonNames().join();
    ensureGlue();
    await whenChanged("ts", { inputs, outputs: ["npm/dist"], also }, async () => {
      working("compiling");
      const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
      // The output folder is empty, so that no file of a renamed module is published. It is a new
      // folder, so that the old output stays while there are errors.
      const fresh = join(stateDir, "dist");
      rmSync(fresh, { recursive: true, force: true });
      await run(node, [tsc, "-p", "npm", "--outDir", fresh]);
      await compileCommonjs(join(fresh, "commonjs"));
      writeLocations(fresh);
      rmSync(inRoot("npm", "dist"), { recursive: true, force: true });
      renameSync(fresh, inRoot("npm", "dist"));
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const names = process.argv.slice(2).filter((name) => name !== "all");
    const unknown = names.find((name) => !(name in steps));
    if (unknown)
      throw new Problem(
        `there is no step "${unknown}": the steps are ${Object.keys(steps).join(", ")} and all`,
      );
    if (names.length > 0) await build(names);
    else await build(all, { published: true });
  });
}

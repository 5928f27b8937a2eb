// Compiles the entry points of Node as CommonJS, for programs that cannot load ES modules with
// `require`, such as Jest. Node itself loads the ES modules from CommonJS, too.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inRoot, stateDir } from "./paths.mjs";
import { nodeTool, Problem, run } from "./run.mjs";

const glues = ["tenure_wasm.js", "tenure_testing.js"];

/** Writes a glue that fails where WebAssembly is not built yet: the code that loads it imports it. */
export function ensureGlue() {
  mkdirSync(inRoot("npm", "wasm"), { recursive: true });
  for (const name of glues.filter((name) => !existsSync(inRoot("npm", "wasm", name)))) {
    const problem = `npm/wasm/${name} is not built yet: run npm run build`;
    const text = `export function initSync() {\n  throw new Error("${problem}");\n}\n`;
    writeFileSync(inRoot("npm", "wasm", name), text);
  }
}

/** Compiles into this folder. */
export async function compileCommonjs(out) {
  // The compiler takes the module system from the nearest manifest.
  const staging = join(stateDir, "commonjs");
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  cpSync(inRoot("npm", "src"), join(staging, "src"), { recursive: true });
  const { imports } = JSON.parse(readFileSync(inRoot("npm", "package.json"), "utf8"));
  writeJson(join(staging, "package.json"), { type: "commonjs", imports });
  const entries = readdirSync(join(staging, "src", "entry")).filter((name) =>
    /^node|-node\.ts$/.test(name),
  );
  writeJson(join(staging, "tsconfig.json"), {
    extends: inRoot("npm", "tsconfig.json"),
    compilerOptions: { verbatimModuleSyntax: false, rootDir: "src", outDir: out },
    files: entries.map((name) => `src/entry/${name}`),
    include: [],
  });
  const [node, tsc] = nodeTool("typescript", "tsc", inRoot("npm"));
  await run(node, [tsc, "-p", staging]);
  writeJson(join(out, "package.json"), {
    type: "commonjs",
    imports: {
      "#wasm": "./wasm/tenure_wasm.js",
      "#testing": "./wasm/tenure_testing.js",
      "#files/*": "./files/*.js",
    },
  });
  mkdirSync(join(out, "wasm"));
  for (const glue of glues) writeFileSync(join(out, "wasm", glue), glueAsCommonjs(glue));
}

/** The glue of wasm-bindgen, which exports functions only. */
function glueAsCommonjs(name) {
  const text = readFileSync(inRoot("npm", "wasm", name), "utf8")
    .replace(/^export function (\w+)/gm, "exports.$1 = $1;\nfunction $1")
    .replace(
      "export { initSync, __wbg_init as default };",
      "exports.initSync = initSync;\nexports.default = __wbg_init;",
    )
    .replace("import.meta.url", 'require("node:url").pathToFileURL(__filename)');
  const left = text.match(/^(export|import)\b.*|import\.meta.*/m);
  if (left) throw new Problem(`npm/wasm/${name} has a line that is not known here: ${left[0]}`);
  return `"use strict";\n${text}`;
}

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}

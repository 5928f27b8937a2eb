// The web UI: how its page is built, and the most that each of its parts may weigh.

import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { inRoot } from "./paths.mjs";
import { bytes, step } from "./progress.mjs";
import { nodeTool, Problem, run } from "./run.mjs";
import { isUnchanged, whenChanged } from "./stamp.mjs";
import { wasmModules } from "./wasm-modules.mjs";

const folder = join("ui", "dist");
/** Where it is in the package, for the command and for `serve`. */
const inPackage = join("npm", "ui");

/**
 * The parts of the page: which files they are, and the most that they may weigh, in KiB of gzip. A page that
 * a server serves loads the first three; one over IndexedDB loads the complete module instead of the
 * browser's.
 */
const parts = [
  { title: "page", files: /\.(js|html|json|webmanifest|svg)$/, budget: 88, isServed: true },
  { title: "styles", files: /\.css$/, budget: 8, isServed: true },
  {
    title: "wasm",
    files: /tenure_wasm_bg[^/]*\.wasm$/,
    ...budgetOf("tenure_wasm"),
    isServed: true,
  },
  {
    title: "complete wasm",
    files: /tenure_complete_bg[^/]*\.wasm$/,
    ...budgetOf("tenure_complete"),
  },
];

function budgetOf(module) {
  return { budget: wasmModules.find(({ name }) => name === module).budget };
}

/** The most that a page of a server may weigh, in KiB of gzip. */
const servedBudget = 300;

/**
 * Builds the page, if anything has changed, and says what it weighs. With `servedOnly` only the page that a
 * server serves is built, which needs no complete module.
 */
export async function buildWebUi({ servedOnly = false } = {}) {
  const body = async (working) => {
    const inputs = [
      "ui/src",
      "ui/public",
      "ui/index.html",
      "ui/package.json",
      "ui/tsconfig.json",
      "ui/vite.config.ts",
      "npm/dist",
      "npm/wasm",
      "package-lock.json",
      "scripts/lib/web-ui.mjs",
    ];
    const outputs = [folder, inPackage];
    // The complete page has what a server serves.
    const isComplete = isUnchanged("ui", { inputs, outputs, also: "production" });
    const mode = servedOnly && !isComplete ? "served" : "production";
    const { note } = await whenChanged("ui", { inputs, outputs, also: mode }, async () => {
      working("bundling");
      const [node, vite] = nodeTool("vite", "vite", inRoot("ui"));
      const args = ["build", "--logLevel", "warn", "--mode", mode];
      await run(node, [vite, ...args], { cwd: inRoot("ui") });
      const note = weigh();
      rmSync(inRoot(inPackage), { recursive: true, force: true });
      cpSync(inRoot(folder), inRoot(inPackage), { recursive: true });
      return note;
    });
    return note;
  };
  await step("web UI", body);
}

/** What the parts weigh. Throws if one is above its budget. */
function weigh() {
  const files = readdirSync(inRoot(folder), { recursive: true }).filter((file) =>
    /\.\w+$/.test(file),
  );
  const weights = parts.map(({ files: meant }) => {
    const sizes = files
      .filter((file) => meant.test(file))
      .map((file) => gzipSync(readFileSync(inRoot(folder, file)), { level: 9 }).length);
    return sizes.reduce((sum, size) => sum + size, 0);
  });
  const served = weights.reduce((sum, weight, at) => sum + (parts[at].isServed ? weight : 0), 0);
  const all = [
    ...parts.map(({ title, budget }, at) => ({ title, budget, weight: weights[at] })),
    { title: "a served page", budget: servedBudget, weight: served },
  ];
  const heavy = all.filter(({ weight, budget }) => weight > budget * 1024);
  if (heavy.length > 0) {
    const lines = heavy.map(
      ({ title, weight, budget }) =>
        `${title} weighs ${bytes(weight)} of gzip, above ${budget} KiB`,
    );
    throw new Problem(`the web UI is too large: ${lines.join("; ")}`);
  }
  return `${all.map(({ title, weight }) => `${title} ${bytes(weight)}`).join(", ")} of gzip`;
}

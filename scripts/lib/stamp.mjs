// Decides whether an output has to be rebuilt. Two fingerprints are stored, of all inputs and of
// the outputs, and the output is rebuilt when either has changed. Fingerprints are of contents, so
// switching branches and back causes no rebuild.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { inRoot, root, stateDir } from "./paths.mjs";

/** Folders and files that no output depends on; tests are in none. */
const notSources = new Set(["node_modules", "target", ".git", "tests", "tests.rs"]);

/**
 * Calls `make` unless `outputs` are unchanged since it last made them from the same `inputs`.
 *
 * Paths are relative to the root; a folder stands for all files in it. `also` is any other input.
 * Resolves to `{ made, note }`, where `note` is what `make` returned, in this run or the last one.
 */
export async function whenChanged(name, { inputs, outputs, also = "" }, make) {
  const { stamp, last, isCurrent } = compared(name, { inputs, outputs, also });
  if (isCurrent) return { made: false, note: last.note };
  const note = await make();
  mkdirSync(stateDir, { recursive: true });
  const made = { inputs: stamp.inputs, outputs: fingerprint(outputs), note };
  writeFileSync(stamp.path, JSON.stringify(made));
  return { made: true, note };
}

/** Whether `whenChanged` would make nothing. */
export function isUnchanged(name, { inputs, outputs, also = "" }) {
  return compared(name, { inputs, outputs, also }).isCurrent;
}

function compared(name, { inputs, outputs, also }) {
  const stamp = { path: join(stateDir, `${name}.json`), inputs: fingerprint(inputs, also) };
  const last = readStamp(stamp.path);
  const isCurrent = last?.inputs === stamp.inputs && last.outputs === fingerprint(outputs);
  return { stamp, last, isCurrent };
}

/** The folders of the workspace's crates, without those named, and the files that apply to all. */
export function rustSources({ without = [] } = {}) {
  const manifest = readFileSync(inRoot("Cargo.toml"), "utf8");
  const list = manifest.match(/^members\s*=\s*\[([^\]]*)\]/m)?.[1] ?? "";
  const crates = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
  const isLeftOut = (crate) =>
    notSources.has(basename(crate)) || without.some((name) => `${crate}/`.startsWith(`${name}/`));
  return ["Cargo.toml", "Cargo.lock", ...crates.filter((crate) => !isLeftOut(crate))];
}

function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** One hash over the names and contents of files; a missing file counts as such. */
function fingerprint(paths, also = "") {
  const hash = createHash("sha256").update(also);
  const add = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (!notSources.has(name)) add(join(path, name));
      return;
    }
    hash.update(`\0${relative(root, path)}\0${stat ? stat.size : "missing"}\0`);
    if (stat) hash.update(readFileSync(path));
  };
  for (const path of paths) add(inRoot(path));
  return hash.digest("hex");
}

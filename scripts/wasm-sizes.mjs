// Prints the size of a WebAssembly module by crate: `node scripts/wasm-sizes.mjs [MODULE]`, by
// default `tenure_wasm`, the module for browsers. It builds the module as it ships, but with the
// names of functions. npm/wasm is not changed.
//
//   crate   the crate of the source; generic code counts for the crate that defines it
//   ours    the part that is generic code for a type of Tenure
//   gzip    an estimate: the compressed size of the crate's functions, scaled to that of the module
//
// With `--functions N`, also prints the N largest functions.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { ensurePackages, toTest } from "./lib/packages.mjs";
import { stateDir } from "./lib/paths.mjs";
import { step } from "./lib/progress.mjs";
import { checkRequirements } from "./lib/requirements.mjs";
import { main, Problem } from "./lib/run.mjs";
import { makeWasmModule, wasmModules } from "./lib/wasm-modules.mjs";
import { crateOf, mentionsOurs } from "./lib/wasm-names.mjs";
import { readModule } from "./lib/wasm-sections.mjs";

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { functions: { type: "string", default: "0" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log("node scripts/wasm-sizes.mjs [MODULE] [--functions N]");
    return;
  }
  const [name = "tenure_wasm"] = positionals;
  const module = wasmModules.find((each) => each.name === name);
  if (module === undefined) {
    const known = wasmModules.map((each) => each.name).join(", ");
    throw new Problem(`there is no module "${name}": the modules are ${known}`);
  }
  checkRequirements();
  await ensurePackages(toTest);
  const content = readFileSync(await withNames(module));
  const { sections, functions } = readModule(content);
  printTable(partsOf(sections, functions));
  printFunctions(functions, Number(values.functions));
});

/** Builds the module with the names of its functions. */
async function withNames(module) {
  const folder = join(stateDir, "wasm-sizes");
  mkdirSync(folder, { recursive: true });
  let built;
  await step(module.title, async (working) => {
    built = await makeWasmModule(module, { folder, flags: ["--debuginfo"], working });
  });
  return built;
}

/** The parts of the module, except names: the code by crate, and the other sections. */
function partsOf(sections, functions) {
  const crates = new Map();
  for (const { name, body } of functions) {
    const crate = crateOf(name);
    const part = crates.get(crate) ?? { name: crate, count: 0, ours: 0, contents: [] };
    crates.set(crate, part);
    part.count++;
    part.contents.push(body);
    if (mentionsOurs(name)) part.ours += body.length;
  }
  const shipped = new Set(["name", "producers", "target_features", "code"]);
  const others = sections
    .filter(({ name }) => !shipped.has(name))
    .map(({ name, content }) => ({ name: `(${name})`, contents: [content] }));
  const parts = [...crates.values(), ...others].map(({ contents, ...part }) => {
    const content = Buffer.concat(contents);
    return { ...part, raw: content.length, alone: gzipped(content), content };
  });
  const whole = gzipped(Buffer.concat(parts.map(({ content }) => content)));
  const sum = parts.reduce((total, { alone }) => total + alone, 0);
  return parts
    .map((part) => ({ ...part, gzip: (part.alone / sum) * whole }))
    .sort((a, b) => b.raw - a.raw);
}

function printTable(parts) {
  const row = (...cells) =>
    console.log(cells.map((cell, i) => (i ? `${cell}`.padStart(11) : cell.padEnd(24))).join(""));
  const total = (key) => parts.reduce((sum, part) => sum + (part[key] ?? 0), 0);
  console.log();
  row("crate", "functions", "raw", "of it ours", "gzip, est.");
  for (const { name, count = "", raw, ours = "", gzip } of parts)
    row(name, count, raw, ours, Math.round(gzip));
  row("total", total("count"), total("raw"), total("ours"), Math.round(total("gzip")));
}

function printFunctions(functions, count) {
  const largest = [...functions].sort((a, b) => b.body.length - a.body.length).slice(0, count);
  if (largest.length > 0) console.log();
  for (const { name, body } of largest) console.log(`${`${body.length}`.padStart(7)}  ${name}`);
}

function gzipped(content) {
  return gzipSync(content, { level: 9 }).length;
}

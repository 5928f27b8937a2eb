/**
 * Loads the WebAssembly module in Node synchronously, from a file, on first use.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { locations } from "#files/complete";
import * as glue from "#wasm";
import { bindingUnavailable, messageOf } from "../values/error.js";
import { nodePost } from "../webhooks/node-post.js";
import { type Binding, type Build, buildOf } from "./binding.js";
import { adviceFor, findFile, type Locations } from "./package-file.js";

/** The part of wasm-bindgen's glue that instantiates a module. */
export interface Glue {
  initSync(source: { module: object }): unknown;
}

let loaded: Build | undefined;

/** The WebAssembly build with every operation. */
export function wasmBuild(): Build {
  const exports = (): Glue & Binding => instantiated(glue, "tenure_complete_bg.wasm", locations);
  loaded ??= buildOf(exports(), "refuse", nodePost);
  return loaded;
}

/** The glue, initialised with the module of this name from the package's files. */
export function instantiated<G extends Glue>(glue: G, module: string, locations: Locations): G {
  const path = findFile("wasm", module, locations);
  if (path === undefined)
    throw bindingUnavailable(
      `the WebAssembly of this package was not found: ${adviceFor("wasm", module)}`,
    );
  try {
    glue.initSync({ module: readFileSync(path) });
    return glue;
  } catch (thrown) {
    throw bindingUnavailable(
      `the WebAssembly of this package cannot be loaded: ${messageOf(thrown)}`,
      thrown,
    );
  }
}

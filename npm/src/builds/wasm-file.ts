/**
 * Loads the WebAssembly module in Node synchronously, from a file, on first use.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { bindingUnavailable, messageOf } from "../values/error.js";
import { type Build, buildOf } from "./binding.js";

/** The JavaScript glue that wasm-bindgen generates. */
export type Glue = typeof import("#wasm");

let loaded: Build | undefined;

/** The WebAssembly build over the glue that `require` returns. */
export function wasmBuild(require: () => Glue): Build {
  loaded ??= load(require);
  return loaded;
}

function load(require: () => Glue): Build {
  return buildOf(instantiated(require, "tenure_complete_bg.wasm"), "refuse");
}

/**
 * The glue that `require` returns, initialised with the module of this name from the package's
 * files.
 */
export function instantiated<G extends Pick<Glue, "initSync">>(
  require: () => G,
  module: string,
): G {
  try {
    const glue = require();
    glue.initSync({ module: readFileSync(new URL(`../../wasm/${module}`, import.meta.url)) });
    return glue;
  } catch (thrown) {
    throw bindingUnavailable(
      `the WebAssembly of this package cannot be loaded: ${messageOf(thrown)}`,
      thrown,
    );
  }
}

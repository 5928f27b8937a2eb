/**
 * Loads the WebAssembly in Node, where a file can be read at once: on first use, without `await`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { bindingUnavailable, messageOf } from "../values/error.js";
import { type Build, buildOf } from "./binding.js";

/** The glue that wasm-bindgen has written. */
export type Glue = typeof import("#wasm");

let loaded: Build | undefined;

/** The WebAssembly build, of the glue that `require` returns. */
export function wasmBuild(require: () => Glue): Build {
  loaded ??= load(require);
  return loaded;
}

function load(require: () => Glue): Build {
  return buildOf(instantiated(require, "tenure_wasm_bg.wasm"), "refuse");
}

/** The glue that `require` returns, with the module of this name read from the package's files. */
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

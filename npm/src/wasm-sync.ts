/**
 * Loads the WebAssembly in Node, where a file can be read at once: on first use, without `await`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { type Build, buildOf } from "./binding.js";
import { bindingUnavailable, messageOf } from "./error.js";

/** The glue that wasm-bindgen has written. */
export type Glue = typeof import("#wasm");

let loaded: Build | undefined;

/** The WebAssembly build, of the glue that `require` returns. */
export function wasmBuild(require: () => Glue): Build {
  loaded ??= load(require);
  return loaded;
}

function load(require: () => Glue): Build {
  try {
    const glue = require();
    glue.initSync({
      module: readFileSync(new URL("../wasm/tenure_wasm_bg.wasm", import.meta.url)),
    });
    return buildOf(glue, "refuse");
  } catch (thrown) {
    throw bindingUnavailable(
      `the WebAssembly of this package cannot be loaded: ${messageOf(thrown)}`,
      thrown,
    );
  }
}

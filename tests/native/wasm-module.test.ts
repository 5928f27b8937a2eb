// The WebAssembly module for browsers in Node.

import { readFileSync } from "node:fs";
import * as exports from "../../npm/wasm/tenure_wasm.js";
import { describeWasmModule } from "../support/wasm-module.js";

describeWasmModule(async () => {
  const file = new URL("../../npm/wasm/tenure_wasm_bg.wasm", import.meta.url);
  const { memory } = exports.initSync({ module: readFileSync(file) });
  return { exports, memory };
});

// The WebAssembly module in a browser.

import * as exports from "../../npm/wasm/tenure_wasm.js";
import url from "../../npm/wasm/tenure_wasm_bg.wasm?url";
import { describeWasmModule } from "../support/wasm-module.js";

describeWasmModule(async () => {
  const { memory } = await exports.default({ module_or_path: url });
  return { exports, memory };
});

// Tenure, through its API and at its binding.

import { createRequire } from "node:module";
import { resultOf } from "../../npm/dist/builds/binding.js";
import { nativeBuild } from "../../npm/dist/builds/native-addon.js";
import { wasmBuild } from "../../npm/dist/builds/wasm-file.js";
import * as native from "../../npm/dist/entry/node.js";

const require = createRequire(import.meta.url);

export const { open, openSync } = native;

/** The package over the WebAssembly build, or `undefined` if that was not built. */
export const wasm = await loadWasm();

async function loadWasm() {
  try {
    const entry = await import("../../npm/dist/entry/node-wasm.js");
    entry.openSync("memory:").close();
    return entry;
  } catch (error) {
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "BINDING_UNAVAILABLE")
      return undefined;
    throw error;
  }
}

/** The builds by their names. */
export function builds() {
  const found = [["native", native]];
  if (wasm !== undefined) found.push(["wasm", wasm]);
  return found;
}

/** The binding of a build, without the TypeScript around it. */
export function bindingOf(build) {
  if (build === "native") return nativeBuild().binding;
  return wasmBuild(() => require("../../npm/wasm/tenure_wasm.js")).binding;
}

/** A memory store of a build, opened through its binding, with the methods that fill it. */
export function openRaw(build) {
  const binding = bindingOf(build);
  const { handle } = resultOf(JSON.parse(binding.open("memory:", "{}", undefined)));
  const call = (name, params) =>
    resultOf(JSON.parse(binding.call(handle, name, JSON.stringify(params), Date.now())));
  return {
    binding,
    handle,
    start: (session) => call("start", session),
    addEvents: (id, events) => call("addEvents", { id, events }),
    pause: (id, reason) => call("pause", { id, reason }),
    complete: (id, result) => call("complete", { id, result }),
    fail: (id, error) => call("fail", { id, error }),
    close: () => binding.close(handle),
  };
}

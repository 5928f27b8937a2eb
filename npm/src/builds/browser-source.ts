/**
 * The build in browsers: WebAssembly, which is fetched before the first handle is opened.
 *
 * @module
 */

import * as glue from "#wasm";
import { invalidArgument, wasmNotReady } from "../values/error.js";
import { type Build, buildOf } from "./binding.js";
import type { Source, WasmSource } from "./source.js";
import { fetchInto } from "./wasm-fetch.js";

let build: Build | undefined;
let loading: Promise<void> | undefined;
/** Where the module is or was loaded from, if the caller said so. */
let origin: WasmSource | undefined;

/** The source of the build in browsers. It is available once it was fetched. */
export const browserSource: Source = {
  now() {
    if (build === undefined) throw wasmNotReady();
    return build;
  },
  prepare({ module } = {}) {
    const hasBegun = build !== undefined || loading !== undefined;
    if (hasBegun && module != null && !isSame(module, origin)) {
      const problem = "a module is loaded already; call `init` once, before the first `open`";
      throw invalidArgument("module", problem);
    }
    if (build !== undefined) return undefined;
    loading ??= load(module).finally(() => {
      // After a failure, such as a lost connection, the next call retries.
      loading = undefined;
    });
    return loading;
  },
};

async function load(module: WasmSource | undefined): Promise<void> {
  origin = module;
  await fetchInto(glue, "tenure_wasm_bg.wasm", module);
  build = buildOf(glue, "refuse");
}

function isSame(one: WasmSource, other: WasmSource | undefined): boolean {
  const isUrl = typeof one === "string" || one instanceof URL;
  return one === other || (isUrl && other !== undefined && String(one) === String(other));
}

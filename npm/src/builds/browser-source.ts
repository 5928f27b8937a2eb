/**
 * The build in browsers: WebAssembly, which is fetched before the first handle is opened.
 *
 * @module
 */

import * as glue from "#wasm";
import { wasmNotReady } from "../values/error.js";
import { type Build, buildOf } from "./binding.js";
import type { InitOptions, Source } from "./source.js";
import { fetchInto } from "./wasm-fetch.js";

let build: Build | undefined;
let loading: Promise<void> | undefined;

/** The source of the build in browsers. It is available once it was fetched. */
export const browserSource: Source = {
  now() {
    if (build === undefined) throw wasmNotReady();
    return build;
  },
  prepare(options) {
    if (build !== undefined) return undefined;
    loading ??= load(options).finally(() => {
      // After a failure, such as a lost connection, the next call retries.
      loading = undefined;
    });
    return loading;
  },
};

async function load({ module }: InitOptions = {}): Promise<void> {
  await fetchInto(glue, "tenure_wasm_bg.wasm", module);
  build = buildOf(glue, "refuse");
}

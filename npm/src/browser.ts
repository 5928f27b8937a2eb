/**
 * The package in browsers, and wherever else there is no Node: the WebAssembly build, which is
 * fetched before the first handle is opened.
 *
 * @module
 */

import * as glue from "#wasm";
import { type Build, buildOf } from "./binding.js";
import type { Copy } from "./copy.js";
import { entryOver, type InitOptions } from "./entry.js";
import { wasmNotReady } from "./error.js";
import type { Target } from "./open.js";
import type { OpenOptions } from "./options.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";
import { fetchInto } from "./wasm-fetch.js";

export * from "./api.js";

let build: Build | undefined;
let loading: Promise<void> | undefined;

const entry = entryOver({
  now() {
    if (build === undefined) throw wasmNotReady();
    return build;
  },
  prepare(options) {
    if (build !== undefined) return undefined;
    loading ??= load(options).finally(() => {
      // After a failure, such as a lost connection, the next call tries again.
      loading = undefined;
    });
    return loading;
  },
});

/** Opens the sessions of a store: `"memory:"`, or a store of your own. Loads the WebAssembly first. */
export const open: (target?: Target, options?: OpenOptions) => Promise<Sessions> = entry.open;

/**
 * Opens the sessions of a store that answers at once; its methods return results, not promises.
 * Throws `WASM_NOT_READY` until `await init()` or an `open` has loaded the WebAssembly.
 */
export const openSync: (target?: Target, options?: OpenOptions) => SessionsSync = entry.openSync;

/**
 * Copies all sessions of one store into another, with their histories, and says what differs at the
 * end. A copy that was stopped goes on where it was when it is started again.
 */
export const copy: Copy = entry.copy;

/** Loads the WebAssembly, once; `module` says from where. */
export const init: (options?: InitOptions) => Promise<void> = entry.init;

async function load({ module }: InitOptions = {}): Promise<void> {
  await fetchInto(glue, "tenure_wasm_bg.wasm", module);
  build = buildOf(glue, "refuse");
}

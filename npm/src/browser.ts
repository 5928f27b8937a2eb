/**
 * The package in browsers, and wherever else there is no Node: the WebAssembly build, which is
 * fetched before the first handle is opened.
 *
 * @module
 */

import * as glue from "#wasm";
import { type Build, buildOf } from "./binding.js";
import { entryOver, type InitOptions } from "./entry.js";
import { bindingUnavailable, messageOf, wasmNotReady } from "./error.js";
import type { Target } from "./open.js";
import type { OpenOptions } from "./options.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";

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

/** Loads the WebAssembly, once; `module` says from where. */
export const init: (options?: InitOptions) => Promise<void> = entry.init;

async function load({ module }: InitOptions = {}): Promise<void> {
  const neighbourhood = prebundledIn();
  try {
    const source = module ?? (neighbourhood && (await packageNear(neighbourhood)));
    await glue.default(source === undefined ? undefined : { module_or_path: source });
  } catch (thrown) {
    const advice = neighbourhood ? '; with Vite, set `optimizeDeps: { exclude: ["tenure"] }`' : "";
    const problem = `the WebAssembly cannot be loaded: ${messageOf(thrown)}${advice}`;
    throw bindingUnavailable(problem, thrown);
  }
  build = buildOf(glue, "refuse");
}

/**
 * The folder in which Vite's development server has put this code. Up to version 7 it moves the code
 * of packages there, but not the files beside it, so that the glue looks for them in vain. The
 * address comes from a stack, as `import.meta.url` would have other bundlers write the path of the
 * machine that they run on into their output.
 */
function prebundledIn(): string | undefined {
  return /https?:\/\/[^\s()]+?\/\.vite\/deps[^/\s]*\//.exec(new Error().stack ?? "")?.[0];
}

/** The WebAssembly in the package itself, where that is next door, as it usually is. */
async function packageNear(folder: string): Promise<Response | undefined> {
  const response = await fetch(`${folder}../../tenure/wasm/tenure_wasm_bg.wasm`);
  const found = response.ok && response.headers.get("content-type")?.includes("wasm");
  return found ? response : undefined;
}

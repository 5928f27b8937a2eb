/**
 * The package in Node: the native addon, or the WebAssembly where there is no addon for the platform
 * and the store does not need one. `TENURE_BINDING=native` or `=wasm` in the environment decides.
 *
 * @module
 */

import { createRequire } from "node:module";
import type { Build } from "./binding.js";
import type { Copy } from "./copy.js";
import { entryOver } from "./entry.js";
import { bindingUnavailable, messageOf } from "./error.js";
import { type ImportDirectory, importDirectoryWith } from "./import-directory.js";
import { nativeBuild } from "./native.js";
import { type Target, urlOf } from "./open.js";
import type { OpenOptions } from "./options.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";
import { type Glue, wasmBuild } from "./wasm-sync.js";

export * from "./api.js";
export type {
  ImportCounts,
  ImportDirectory,
  ImportDirectoryOptions,
  ImportDirectoryResult,
  ImportProblem,
  ImportProgress,
} from "./import-directory.js";

const require = createRequire(import.meta.url);

let warned = false;

const entry = entryOver({ now: buildFor, prepare: () => undefined });

/**
 * Opens the sessions of a store: `"sqlite:./tenure.db"` (the default), `"memory:"`, or a store of
 * your own.
 *
 * ```js
 * await using sessions = await open("sqlite:./bot.db");
 * const session = await sessions.start({ task: "Fix the build", mode: "developer" });
 * ```
 */
export const open: (target?: Target, options?: OpenOptions) => Promise<Sessions> = entry.open;

/** Opens the sessions of a store that answers at once; its methods return results, not promises. */
export const openSync: (target?: Target, options?: OpenOptions) => SessionsSync = entry.openSync;

/**
 * Copies all sessions of one store into another, with their histories, and says what differs at the
 * end. A copy that was stopped goes on where it was when it is started again.
 */
export const copy: Copy = entry.copy;

/**
 * Imports the files that other programs have left behind in a directory: sessions of bots and of
 * agents, ownership of virtual machines, and what keeps runs from being repeated.
 */
export const importDirectory: ImportDirectory = importDirectoryWith(entry.open);

/** Does nothing here: in browsers it loads the WebAssembly, which Node does by itself when needed. */
export const init: () => Promise<void> = () => entry.init();

function buildFor(target: Target | undefined): Build {
  const forced = process.env.TENURE_BINDING || undefined;
  switch (forced) {
    case "native":
      return nativeBuild();
    case "wasm":
      return wasm();
    case undefined:
      try {
        return nativeBuild();
      } catch (thrown) {
        return instead(target, thrown);
      }
    default:
      throw bindingUnavailable(
        `TENURE_BINDING is ${JSON.stringify(forced)}: expected "native" or "wasm"`,
      );
  }
}

/** The WebAssembly in place of the addon, for the stores that it serves. */
function instead(target: Target | undefined, thrown: unknown): Build {
  const url = urlOf(target);
  const scheme = url.slice(0, url.indexOf(":"));
  const build = wasmIfThere();
  if (!build?.info.stores.includes(scheme)) {
    throw bindingUnavailable(`${messageOf(thrown)}, which ${url} needs`, thrown);
  }
  if (!warned) {
    warned = true;
    process.emitWarning(`${messageOf(thrown)}: using WebAssembly instead`, {
      code: "TENURE_WASM_FALLBACK",
    });
  }
  return build;
}

function wasmIfThere(): Build | undefined {
  try {
    return wasm();
  } catch {
    return undefined;
  }
}

function wasm(): Build {
  // Only loaded when it is needed, and then at once: Node requires modules that await nothing.
  return wasmBuild(() => require("../wasm/tenure_wasm.js") as Glue);
}

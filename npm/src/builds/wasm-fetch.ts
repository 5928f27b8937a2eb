/**
 * Loads WebAssembly where there is no Node: fetched from beside the glue, or from where the caller says.
 *
 * @module
 */

import { bindingUnavailable, messageOf } from "../values/error.js";
import type { WasmSource } from "./source.js";

/** The part of wasm-bindgen's glue that instantiates a module. */
export interface Fetching {
  /** Fetches and instantiates. */
  default(source?: { module_or_path: unknown }): Promise<unknown>;
}

/** Fetches the module of this name into its glue; `source` says from elsewhere. */
export async function fetchInto(
  glue: Fetching,
  name: string,
  source?: WasmSource | undefined,
): Promise<void> {
  const neighbourhood = prebundledIn();
  try {
    const found = source ?? (neighbourhood && (await packageNear(neighbourhood, name)));
    await glue.default(found === undefined ? undefined : { module_or_path: found });
  } catch (thrown) {
    const advice = neighbourhood ? '; with Vite, set `optimizeDeps: { exclude: ["tenure"] }`' : "";
    const problem = `the WebAssembly cannot be loaded: ${messageOf(thrown)}${advice}`;
    throw bindingUnavailable(problem, thrown);
  }
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
async function packageNear(folder: string, name: string): Promise<Response | undefined> {
  const response = await fetch(`${folder}../../tenure/wasm/${name}`);
  const found = response.ok && response.headers.get("content-type")?.includes("wasm");
  return found ? response : undefined;
}

/**
 * Loads WebAssembly in browsers: fetches it from the folder of the glue, or from the caller's
 * source.
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

/**
 * Fetches the module of this name and initialises its glue with it. `source` overrides where it is
 * fetched from.
 */
export async function fetchInto(
  glue: Fetching,
  name: string,
  source?: WasmSource | undefined,
): Promise<void> {
  const viteFolder = vitePrebundleFolder();
  try {
    const found = source ?? (viteFolder && (await fetchFromPackage(viteFolder, name)));
    await glue.default(found === undefined ? undefined : { module_or_path: found });
  } catch (thrown) {
    const advice = viteFolder ? '; with Vite, set `optimizeDeps: { exclude: ["tenure"] }`' : "";
    const problem = `the WebAssembly cannot be loaded: ${messageOf(thrown)}${advice}`;
    throw bindingUnavailable(problem, thrown);
  }
}

/**
 * The folder in which Vite's development server serves pre-bundled code, if this code is there. Up
 * to version 7 Vite moves the code of packages to that folder without the files beside it, so the
 * glue cannot find its module. The address is read from a stack trace: other bundlers would replace
 * `import.meta.url` by a path of the build machine.
 */
function vitePrebundleFolder(): string | undefined {
  return /https?:\/\/[^\s()]+?\/\.vite\/deps[^/\s]*\//.exec(new Error().stack ?? "")?.[0];
}

/** The module in the package's own folder, if it is served at the usual path. */
async function fetchFromPackage(folder: string, name: string): Promise<Response | undefined> {
  const response = await fetch(`${folder}../../tenure/wasm/${name}`);
  const found = response.ok && response.headers.get("content-type")?.includes("wasm");
  return found ? response : undefined;
}

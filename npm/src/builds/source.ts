/**
 * Where an entry point of the package takes its build from, and how a build that has to be fetched is
 * prepared.
 *
 * @module
 */

import type { Target } from "../stores/target.js";
import type { Build } from "./binding.js";

/** Where an entry takes its build from. */
export interface Source {
  /** The build for a target, at once. */
  readonly now: (target: Target | undefined) => Build;
  /** Prepares the build where that takes time; it is in `now` afterwards. */
  readonly prepare: (options?: InitOptions) => Promise<void> | undefined;
}

/** How the WebAssembly is loaded. */
export interface InitOptions {
  /**
   * Where it comes from: a compiled `WebAssembly.Module`, its bytes, a `Response`, or a URL. By
   * default it is fetched from beside the package's own code.
   */
  readonly module?: WasmSource | undefined;
}

/** What WebAssembly can be loaded from: a `WebAssembly.Module`, bytes, a `Response`, or a URL. */
export type WasmSource = URL | string | ArrayBuffer | ArrayBufferView | object;

/**
 * The source of an entry point's build, and the options for loading WebAssembly.
 *
 * @module
 */

import type { Target } from "../stores/target.js";
import type { Build } from "./binding.js";

/** The source of an entry point's build. */
export interface Source {
  /** Returns the build for a target. */
  readonly now: (target: Target | undefined) => Build;
  /** Loads the build where that is asynchronous; `now` returns it afterwards. */
  readonly prepare: (options?: InitOptions) => Promise<void> | undefined;
}

/** How to load the WebAssembly module. */
export interface InitOptions {
  /**
   * The module: a compiled `WebAssembly.Module`, its bytes, a `Response`, or a URL. By default it
   * is fetched from the folder of the package's own code, and is without the operations that need the
   * complete module, `tenure/wasm/tenure_complete_bg.wasm`.
   */
  readonly module?: WasmSource | undefined;
}

/** A source of WebAssembly: a `WebAssembly.Module`, bytes, a `Response`, or a URL. */
export type WasmSource = URL | string | ArrayBuffer | ArrayBufferView | object;

/**
 * The functions that every entry of the package exports, put together over the builds that the entry
 * has: `node.ts` both, `node-wasm.ts` and `browser.ts` the WebAssembly.
 *
 * @module
 */

import type { Build } from "./binding.js";
import { type Copy, copyWith } from "./copy.js";
import type { Surroundings } from "./exit-task.js";
import { openSessions, openSessionsSync, type Target } from "./open.js";
import type { OpenOptions } from "./options.js";
import { type SessionManagers, sessionManagersOver } from "./session-manager.js";
import type { Sessions } from "./sessions.js";
import type { SessionsSync } from "./sessions-sync.js";

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

/** What every entry of the package exports. */
export interface Entry extends SessionManagers {
  /** Opens a store. See the entry's own words. */
  readonly open: (target?: Target, options?: OpenOptions) => Promise<Sessions>;
  /** Opens a store that answers at once. */
  readonly openSync: (target?: Target, options?: OpenOptions) => SessionsSync;
  /** Copies all sessions of one store into another. */
  readonly copy: Copy;
  /** Loads the WebAssembly. */
  readonly init: (options?: InitOptions) => Promise<void>;
}

/** An entry over a source of builds, with what surrounds its session manager. */
export function entryOver(source: Source, surroundings?: Surroundings): Entry {
  const open = async (target?: Target, options: OpenOptions = {}): Promise<Sessions> => {
    const preparing = source.prepare();
    if (preparing) await preparing;
    return openSessions(source.now(target), target, options);
  };
  return {
    ...sessionManagersOver(source, surroundings),
    open,
    copy: copyWith(open),
    openSync: (target, options = {}) => openSessionsSync(source.now(target), target, options),
    async init(options) {
      await source.prepare(options);
    },
  };
}

/**
 * The entry point in browsers and other environments without Node: the WebAssembly build, which is
 * fetched before the first handle is opened.
 *
 * @module
 */

import { browserSource } from "../builds/browser-source.js";
import type { InitOptions } from "../builds/source.js";
import type { Copy } from "../handles/copy.js";
import type { OpenMirror } from "../handles/mirror.js";
import type { Open, OpenSync } from "../handles/open.js";
import type { SessionManager } from "../machines/session-manager.js";
import type { StoreRules } from "../stores/rules.js";
import { entryOver } from "./entry.js";

export * from "./api.js";

const entry = entryOver(browserSource);

/**
 * Opens a store: `"indexeddb:name"`, `"memory:"`, or a store of your own. Loads the WebAssembly
 * module first.
 */
export const open: Open = entry.open;

/**
 * Opens a synchronous store. The methods of the handle return results, not promises. Throws
 * `WASM_NOT_READY` until `await init()` or `await open()` has loaded the WebAssembly module.
 */
export const openSync: OpenSync = entry.openSync;

/**
 * Opens a mirror of a store: the heads of all its sessions in memory, where lists and statistics take
 * microseconds and ask nobody. It follows the store. Loads the
 * WebAssembly module first.
 */
export const openMirror: OpenMirror = entry.openMirror;

/**
 * Copies all sessions of one store into another, with their histories, and reports the differences
 * at the end. An aborted copy continues where it stopped when it is started again. Needs the complete
 * module; see {@link init}.
 */
export const copy: Copy = entry.copy;

/**
 * The rules that a store of your own applies, evaluated by the core: `allows` for the precondition
 * of a change, `rangeOf` for a part of a history, `bytesOf` for the size of user data. They throw
 * `WASM_NOT_READY` until `await init()` or `await open()` has loaded the WebAssembly module.
 */
export const storeRules: StoreRules = entry.storeRules;

/**
 * Loads the WebAssembly module, once. `module` overrides which one: it has to be given before the first
 * `open` or `init`. Rejects with `INVALID_ARGUMENT` if a module
 * is loaded already, unless it is from the same URL or the same object.
 */
export const init: (options?: InitOptions) => Promise<void> = entry.init;

/**
 * Returns the session manager. In browsers it works in memory, not shared with other pages, and its
 * registry needs the complete module. The first call creates it. Never fails.
 */
export const getSessionManager: () => SessionManager = entry.getSessionManager;

/** Whether the session manager was created. Does not create it. */
export const isSessionManagerAvailable: () => boolean = entry.isSessionManagerAvailable;

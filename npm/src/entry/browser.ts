/**
 * The package in browsers, and wherever else there is no Node: the WebAssembly build, which is
 * fetched before the first handle is opened.
 *
 * @module
 */

import { browserSource } from "../builds/browser-source.js";
import type { InitOptions } from "../builds/source.js";
import type { Copy } from "../handles/copy.js";
import type { OpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { SessionManager } from "../machines/session-manager.js";
import type { Target } from "../stores/target.js";
import { entryOver } from "./entry.js";

export * from "./api.js";

const entry = entryOver(browserSource);

/**
 * Opens the sessions of a store: `"indexeddb:name"`, `"memory:"`, or a store of your own. Loads the
 * WebAssembly first.
 */
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

/**
 * The session manager of this process: which virtual machine it owns, and which the other processes of
 * this machine do. It is made when it is first asked for, is the same ever after, and never fails.
 */
export const getSessionManager: () => SessionManager = entry.getSessionManager;

/** Whether there is a session manager already. It makes none. */
export const isSessionManagerAvailable: () => boolean = entry.isSessionManagerAvailable;

/**
 * The package's `tenure/wasm` in Node: the WebAssembly build, whatever else there is.
 *
 * @module
 */

import * as glue from "#wasm";
import { wasmBuild } from "../builds/wasm-file.js";
import type { Copy } from "../handles/copy.js";
import { type ImportDirectory, importDirectoryWith } from "../handles/import-directory.js";
import type { OpenOptions } from "../handles/options.js";
import type { Sessions } from "../handles/sessions.js";
import type { SessionsSync } from "../handles/sessions-sync.js";
import type { SessionManager } from "../machines/session-manager.js";
import { nodeRuntime } from "../runtime/node-runtime.js";
import type { Target } from "../stores/target.js";
import { entryOver } from "./entry.js";

export type { ImportDirectory } from "../handles/import-directory.js";
export type {
  ImportCounts,
  ImportDirectoryOptions,
  ImportDirectoryResult,
  ImportProblem,
  ImportProgress,
} from "../jobs/import-directory.js";
export * from "./api.js";

const entry = entryOver(
  { now: () => wasmBuild(() => glue), prepare: () => undefined },
  nodeRuntime,
);

/** Opens the sessions of a store: `"memory:"`, or a store of your own. */
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

/**
 * The session manager of this process: which virtual machine it owns, and which the other processes of
 * this machine do. It is made when it is first asked for, is the same ever after, and never fails.
 */
export const getSessionManager: () => SessionManager = entry.getSessionManager;

/** Whether there is a session manager already. It makes none. */
export const isSessionManagerAvailable: () => boolean = entry.isSessionManagerAvailable;

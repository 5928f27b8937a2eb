/**
 * The entry point `tenure/wasm` in Node: always the WebAssembly build.
 *
 * @module
 */

import { wasmBuild } from "../builds/wasm-file.js";
import type { Copy } from "../handles/copy.js";
import { type ImportDirectory, importDirectoryWith } from "../handles/import-directory.js";
import type { OpenMirror } from "../handles/mirror.js";
import type { Open, OpenSync } from "../handles/open.js";
import type { SessionManager } from "../machines/session-manager.js";
import { nodeRuntime } from "../runtime/node-runtime.js";
import { nodeStream } from "../server/node-stream.js";
import type { StoreRules } from "../stores/rules.js";
import { entryOver } from "./entry.js";

export type {
  ImportCounts,
  ImportDirectoryResult,
  ImportProblem,
  ImportProgress,
} from "../generated.js";
export type { ImportDirectory } from "../handles/import-directory.js";
export type { ImportDirectoryOptions } from "../jobs/import-directory.js";
export * from "./api.js";

const entry = entryOver(
  { now: () => wasmBuild(), prepare: () => undefined },
  nodeRuntime,
  nodeStream,
);

/** Opens a store: `"memory:"`, or a store of your own. */
export const open: Open = entry.open;

/** Opens a synchronous store. The methods of the handle return results, not promises. */
export const openSync: OpenSync = entry.openSync;

/**
 * Opens a mirror of a store: the heads of all its sessions in memory, where lists and statistics take
 * microseconds and ask nobody. It follows the store.
 */
export const openMirror: OpenMirror = entry.openMirror;

/**
 * Copies all sessions of one store into another, with their histories, and reports the differences
 * at the end. An aborted copy continues where it stopped when it is started again.
 */
export const copy: Copy = entry.copy;

/**
 * Imports the files that other programs left in a directory: sessions of bots and agents, ownership
 * of virtual machines, and deduplication records.
 */
export const importDirectory: ImportDirectory = importDirectoryWith(entry.binding, entry.open);

/**
 * The rules that a store of your own applies, evaluated by the core: `allows` for the precondition
 * of a change, `rangeOf` for a part of a history, `bytesOf` for the size of user data.
 */
export const storeRules: StoreRules = entry.storeRules;

/** Does nothing in Node, which loads WebAssembly when needed. In browsers it loads the module. */
export const init: () => Promise<void> = entry.initInNode;

/**
 * Returns the session manager of this process: which virtual machine it owns, and which the other
 * processes of this machine own. The first call creates it. Never fails.
 */
export const getSessionManager: () => SessionManager = entry.getSessionManager;

/** Whether the session manager was created. Does not create it. */
export const isSessionManagerAvailable: () => boolean = entry.isSessionManagerAvailable;

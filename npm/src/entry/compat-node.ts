/**
 * The entry point `tenure/compat` in Node, over `node.ts`.
 *
 * @module
 */

import { setEntry } from "../compat/store.js";
import { init, open, openSync } from "./node.js";

export * from "../compat/api.js";

setEntry({ open, openSync, init });

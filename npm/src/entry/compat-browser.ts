/**
 * The entry point `tenure/compat` in browsers, over `browser.ts`.
 *
 * @module
 */

import { setEntry } from "../compat/store.js";
import { init, open, openSync } from "./browser.js";

export * from "../compat/api.js";

setEntry({ open, openSync, init });

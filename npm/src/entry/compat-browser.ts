/**
 * `tenure/compat` over `browser.ts`.
 *
 * @module
 */

import { driveWith } from "../compat/store.js";
import { init, open, openSync } from "./browser.js";

export * from "../compat/api.js";

driveWith({ open, openSync, init });

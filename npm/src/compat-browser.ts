/**
 * `tenure/compat` over `browser.ts`.
 *
 * @module
 */

import { init, open, openSync } from "./browser.js";
import { driveWith } from "./compat-store.js";

export * from "./compat.js";

driveWith({ open, openSync, init });

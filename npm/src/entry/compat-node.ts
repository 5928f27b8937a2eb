/**
 * `tenure/compat` over `node.ts`.
 *
 * @module
 */

import { driveWith } from "../compat/store.js";
import { init, open, openSync } from "./node.js";

export * from "../compat/api.js";

driveWith({ open, openSync, init });

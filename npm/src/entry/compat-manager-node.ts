/**
 * The entry point `tenure/compat/manager` in Node.
 *
 * @module
 */

import "./compat-node.js";

export * from "../compat/manager-api.js";

/**
 * The entry point `tenure/compat/store` in Node.
 *
 * @module
 */

import "./compat-node.js";

export * from "../compat/store-api.js";

/**
 * The entry point `tenure/compat/store` in browsers.
 *
 * @module
 */

import "./compat-browser.js";

export * from "../compat/store-api.js";

/**
 * The entry point `tenure/compat/manager` in browsers.
 *
 * @module
 */

import "./compat-browser.js";

export * from "../compat/manager-api.js";

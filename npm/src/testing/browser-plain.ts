/**
 * The package's `tenure/testing/plain` in browsers: what `tenure/testing` has that needs no vitest.
 *
 * @module
 */

import { browserKit, browserScale } from "./browser-kit.js";
import { type CheckStore, checkerOf } from "./check.js";

export * from "./api.js";

/**
 * Holds a store to every case of the conformance kit and says how it met each.
 *
 * ```js
 * const results = await checkStore(() => new MyStore());
 * for (const { name, message } of results.filter(({ outcome }) => outcome === "failed"))
 *   console.error(`${name}: ${message}`);
 * ```
 */
export const checkStore: CheckStore = checkerOf(browserKit, browserScale);

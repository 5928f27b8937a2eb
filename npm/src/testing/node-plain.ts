/**
 * The package's `tenure/testing/plain` in Node: what `tenure/testing` has that needs no vitest.
 *
 * @module
 */

import { type CheckStore, checkerOf } from "./check.js";
import { nodeKit, nodeScale } from "./node-kit.js";

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
export const checkStore: CheckStore = checkerOf(nodeKit, nodeScale);

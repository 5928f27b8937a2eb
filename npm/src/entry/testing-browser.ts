/**
 * The entry point `tenure/testing` in browsers: the conformance kit for stores as vitest tests, and
 * helpers for users' own suites.
 *
 * @module
 */

import { browserKit, browserScale } from "../testing/browser-kit.js";
import { type DescribeStore, describerOf } from "../testing/describe.js";

export type { DescribeStore } from "../testing/describe.js";
export * from "./testing-plain-browser.js";

/**
 * Defines the tests of the conformance kit for a store: a `describe` for each group, an `it` for
 * each case. The factory creates an empty store for each case.
 *
 * ```js
 * describeStore("my store", () => new MyStore());
 * ```
 */
export const describeStore: DescribeStore = describerOf(browserKit, browserScale);

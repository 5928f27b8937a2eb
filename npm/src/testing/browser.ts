/**
 * The package's `tenure/testing` in browsers: the conformance kit for stores as tests of vitest, and what
 * users' own suites need.
 *
 * @module
 */

import { browserKit, browserScale } from "./browser-kit.js";
import { type DescribeStore, describerOf } from "./describe.js";

export * from "./browser-plain.js";
export type { DescribeStore } from "./describe.js";

/**
 * Makes tests of the conformance kit for a store: a `describe` for each of its groups, an `it` for each
 * case. The factory makes an empty store for each.
 *
 * ```js
 * describeStore("my store", () => new MyStore());
 * ```
 */
export const describeStore: DescribeStore = describerOf(browserKit, browserScale);

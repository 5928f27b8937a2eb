/**
 * The package's `tenure/testing` in Node: the conformance kit for stores as tests of vitest, and what
 * users' own suites need.
 *
 * @module
 */

import { type DescribeStore, describerOf } from "../testing/describe.js";
import { nodeKit, nodeScale } from "../testing/node-kit.js";

export type { DescribeStore } from "../testing/describe.js";
export * from "./testing-plain-node.js";

/**
 * Makes tests of the conformance kit for a store: a `describe` for each of its groups, an `it` for each
 * case. The factory makes an empty store for each.
 *
 * ```js
 * describeStore("my store", () => new MyStore());
 * ```
 */
export const describeStore: DescribeStore = describerOf(nodeKit, nodeScale);

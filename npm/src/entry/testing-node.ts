/**
 * The entry point `tenure/testing` in Node: the conformance kit for stores as vitest tests, and
 * helpers for users' own suites.
 *
 * @module
 */

import { type DescribeStore, describerOf } from "../testing/describe.js";
import { nodeKit, nodeScale } from "../testing/node-kit.js";

export type { DescribeStore } from "../testing/describe.js";
export * from "./testing-plain-node.js";

/**
 * Defines the tests of the conformance kit for a store: a `describe` for each group, an `it` for
 * each case. The factory creates an empty store for each case.
 *
 * ```js
 * describeStore("my store", () => new MyStore());
 * ```
 */
export const describeStore: DescribeStore = describerOf(nodeKit, nodeScale);

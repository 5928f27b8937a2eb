/**
 * The entry point `tenure/testing/plain` in Node: the part of `tenure/testing` that needs no
 * vitest.
 *
 * @module
 */

import { nodeSource } from "../builds/node-source.js";
import { type CheckStore, checkerOf } from "../testing/check.js";
import { type MemorySessions, type MemorySessionsSync, memoryOver } from "../testing/memory.js";
import { nodeKit, nodeScale } from "../testing/node-kit.js";

export * from "../testing/api.js";

/**
 * Checks a store with every case of the conformance kit, and returns the results.
 *
 * ```js
 * const results = await checkStore(() => new MyStore());
 * for (const { name, message } of results.filter(({ outcome }) => outcome === "failed"))
 *   console.error(`${name}: ${message}`);
 * ```
 */
export const checkStore: CheckStore = checkerOf(nodeKit, nodeScale);

const memory = memoryOver(nodeSource);

/**
 * Opens an empty store in memory, with a clock that only the test advances and ids that are derived
 * from a seed.
 *
 * ```js
 * const { sessions, clock } = await memorySessions();
 * await givenSession(sessions, { status: "completed" });
 * clock.advance("31d");
 * await sessions.cleanup({ maxAge: "30d" });
 * ```
 */
export const memorySessions: MemorySessions = memory.memorySessions;

/** As {@link memorySessions}, with a synchronous handle. */
export const memorySessionsSync: MemorySessionsSync = memory.memorySessionsSync;

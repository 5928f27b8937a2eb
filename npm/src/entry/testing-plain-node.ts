/**
 * The package's `tenure/testing/plain` in Node: what `tenure/testing` has that needs no vitest.
 *
 * @module
 */

import { nodeSource } from "../builds/node-source.js";
import { type CheckStore, checkerOf } from "../testing/check.js";
import { type MemorySessions, type MemorySessionsSync, memoryOver } from "../testing/memory.js";
import { nodeKit, nodeScale } from "../testing/node-kit.js";

export * from "../testing/api.js";

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

const memory = memoryOver(nodeSource);

/**
 * Opens fresh sessions in memory, with a clock that stands still until it is moved and ids that follow
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

/** As {@link memorySessions}, with methods that return results instead of promises. */
export const memorySessionsSync: MemorySessionsSync = memory.memorySessionsSync;

/**
 * The entry point `tenure/testing/plain` in browsers: the part of `tenure/testing` that needs no
 * vitest.
 *
 * @module
 */

import { browserSource } from "../builds/browser-source.js";
import { browserKit, browserScale } from "../testing/browser-kit.js";
import { type CheckStore, checkerOf } from "../testing/check.js";
import { type MemorySessions, type MemorySessionsSync, memoryOver } from "../testing/memory.js";

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
export const checkStore: CheckStore = checkerOf(browserKit, browserScale);

const memory = memoryOver(browserSource);

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

/**
 * As {@link memorySessions}, with a synchronous handle. Throws `WASM_NOT_READY` until
 * `await init()` or `await open()` has loaded the WebAssembly module.
 */
export const memorySessionsSync: MemorySessionsSync = memory.memorySessionsSync;

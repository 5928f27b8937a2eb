/**
 * The package's `tenure/testing/plain` in browsers: what `tenure/testing` has that needs no vitest.
 *
 * @module
 */

import { browserSource } from "../builds/browser-source.js";
import { browserKit, browserScale } from "../testing/browser-kit.js";
import { type CheckStore, checkerOf } from "../testing/check.js";
import { type MemorySessions, type MemorySessionsSync, memoryOver } from "../testing/memory.js";

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
export const checkStore: CheckStore = checkerOf(browserKit, browserScale);

const memory = memoryOver(browserSource);

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

/** As {@link memorySessions}, with methods that return results instead of promises. Throws `WASM_NOT_READY`
 * until `await init()` or an `open` of the package has loaded the WebAssembly. */
export const memorySessionsSync: MemorySessionsSync = memory.memorySessionsSync;

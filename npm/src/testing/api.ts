/**
 * The exports that all entry points of `tenure/testing` share.
 *
 * @module
 */

export type { CheckStore } from "./check.js";
export type { Clock } from "./clock.js";
export { type Given, type GivenEvent, type GivenSession, givenSession } from "./given.js";
export type { StoreCase } from "./kit.js";
export type { MemoryOptions, MemorySessions, MemorySessionsSync, Tested } from "./memory.js";
export type { CaseResult, CheckOptions, StoreFactory, StoreOpener } from "./run.js";

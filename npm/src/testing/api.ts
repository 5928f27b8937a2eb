/**
 * The types that every entry of `tenure/testing` exports.
 *
 * @module
 */

export type { CheckStore } from "./check.js";
export type { StoreCase } from "./kit.js";
export type { CaseResult, CheckOptions, StoreFactory, StoreOpener } from "./run.js";

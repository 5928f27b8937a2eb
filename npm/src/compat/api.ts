/**
 * The functions that bots know which carried their own code for sessions, over a store of Tenure:
 * such a bot goes on by changing its import. Everything here is done by a handle's operations; what
 * is here besides is their older names, and answers in place of errors.
 *
 * @module
 */

export type { InitOptions, WasmSource } from "../builds/source.js";
export { type ErrorCode, isTenureError, TenureError } from "../values/error.js";
export { SessionAwareAgent } from "./agent.js";
export * from "./sessions.js";
export * from "./steps.js";
export { closeStore, configure, configureWebhook, init } from "./store.js";
export type * from "./types.js";

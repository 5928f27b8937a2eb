/**
 * The functions that bots know which carried their own code for sessions, over a store of Tenure:
 * such a bot goes on by changing its import. Everything here is done by a handle's operations; what
 * is here besides is their older names, and answers in place of errors.
 *
 * @module
 */

export { SessionAwareAgent } from "./compat-agent.js";
export * from "./compat-sessions.js";
export * from "./compat-steps.js";
export { closeStore, configure, configureWebhook, init } from "./compat-store.js";
export type * from "./compat-types.js";
export type { InitOptions, WasmSource } from "./entry.js";
export { type ErrorCode, isTenureError, TenureError } from "./error.js";

/**
 * The functions of `tenure/compat`: the API that bots with their own session code use, over a store
 * of Tenure. Such a bot migrates by changing its import. The functions call the operations of a
 * handle under their older names, and return values such as `null` in place of errors.
 *
 * @module
 */

export type { InitOptions, WasmSource } from "../builds/source.js";
export { type ErrorCode, isTenureError, TenureError } from "../values/error.js";
export { SessionAwareAgent } from "./agent.js";
export * from "./sessions.js";
export * from "./steps.js";
export { closeStore, configure, configureWebhook, init, on } from "./store.js";
export type * from "./types.js";

/**
 * The codes of the errors that do not come from the core.
 *
 * @module
 */

/**
 * Codes of errors that arise outside of the core: in loading a build, driving a store, delivering
 * webhooks, and in the server. Rules are checked in the core.
 */
export type DriverErrorCode =
  | "WASM_NOT_READY"
  | "BINDING_UNAVAILABLE"
  | "STORE_REENTERED"
  | "WEBHOOK_FAILED"
  | "ABORTED"
  | "FILE_UNREADABLE"
  | "NOT_REMOVED"
  | "LAGGED"
  | "LISTENER_FAILED"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "READ_ONLY"
  | "SERVER_BUSY";

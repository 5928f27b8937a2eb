/**
 * The one error that Tenure throws. Almost all errors come from the Rust core as data and are only
 * given this class; the few that can arise before the core is reached, or after it has answered,
 * are made here, so that no other file words an error.
 *
 * @module
 */

import type { CoreErrorCode, Refusal } from "../generated.js";

/** Errors of the JavaScript side: of loading, driving and delivering, never of a rule. */
export type DriverErrorCode =
  | "WASM_NOT_READY"
  | "BINDING_UNAVAILABLE"
  | "STORE_REENTERED"
  | "WEBHOOK_FAILED"
  | "ABORTED"
  | "LEASE_LOST"
  | "FILE_UNREADABLE"
  | "NOT_REMOVED"
  | "ARCHIVE_FAILED"
  | "LISTENER_FAILED";

/** Everything that {@link TenureError.code} can be. */
export type ErrorCode = CoreErrorCode | DriverErrorCode;

/** An error as data: how it crosses from Rust. */
export interface ErrorBody {
  /** The stable code. */
  readonly code: ErrorCode;
  /** What went wrong and what to do about it. */
  readonly message: string;
  /** The values involved, by name. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * What Tenure throws. Decide on `code`: it is the same in Node, browsers and the command line, and
 * never changes; the message may.
 */
export class TenureError extends Error {
  override readonly name = "TenureError";
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** The values involved, by name: what the message says, without the prose. */
  readonly details: Readonly<Record<string, unknown>>;

  /** Makes an error of its data. `cause` is what was thrown by someone else, where there is such. */
  constructor(body: ErrorBody, cause?: unknown) {
    super(body.message, cause === undefined ? undefined : { cause });
    this.code = body.code;
    this.details = body.details;
  }
}

/**
 * Whether a value is an error of Tenure, of the given code where one is given. It also knows errors
 * of another copy of this package.
 */
export function isTenureError(value: unknown, code?: ErrorCode): value is TenureError {
  return (
    value instanceof Error &&
    value.name === "TenureError" &&
    "code" in value &&
    (code === undefined || value.code === code)
  );
}

/** What a thrown value says, whatever it is. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown === "object" && thrown !== null && "message" in thrown)
      return String(thrown.message);
    return String(thrown);
  } catch {
    return "something that cannot be printed";
  }
}

/** A parameter cannot be passed on. */
export function invalidArgument(what: string, problem: string, cause?: unknown): TenureError {
  const message = `${what}: ${problem}`;
  return new TenureError({ code: "INVALID_ARGUMENT", message, details: { what, problem } }, cause);
}

/** The handle was closed. */
export function closed(): TenureError {
  return new TenureError({ code: "CLOSED", message: "this handle is closed", details: {} });
}

/** A promise came where a value was needed. */
export function storeIsAsync(): TenureError {
  const message = "this store is asynchronous: open it with `open`, not `openSync`";
  return new TenureError({ code: "STORE_IS_ASYNC", message, details: {} });
}

/** A function of `tenure/compat` that returns a value was called over a store that answers later. */
export function onlyPromises(): TenureError {
  const message =
    "this store is asynchronous: over it only those functions of tenure/compat work that return promises";
  return new TenureError({ code: "STORE_IS_ASYNC", message, details: {} });
}

/** The store that `tenure/compat` uses by itself is not there in this build. */
export function noDefaultStore(url: string, cause: unknown): TenureError {
  const problem = "call `configure({ store })` first, with a store that this build can open";
  const message = `${JSON.stringify(url)}, the default store, cannot be opened by this build: ${problem}`;
  return new TenureError({ code: "UNSUPPORTED_STORE", message, details: { url, problem } }, cause);
}

/** A store's method called the handle that had called it. */
export function storeReentered(): TenureError {
  const message =
    "a store's method called back into the handle that it serves; a store must not use its own sessions";
  return new TenureError({ code: "STORE_REENTERED", message, details: {} });
}

/** A store's `close` did not work. */
export function storeNotClosed(how: "failed" | "did not answer", thrown?: unknown): TenureError {
  const problem = how === "failed" ? messageOf(thrown) : "it did not settle in time";
  const message = `the store's close failed: ${problem}`;
  return new TenureError(
    { code: "STORE_FAILED", message, details: { method: "close", problem } },
    thrown,
  );
}

/** A store cannot be opened. */
export function storeUnavailable(problem: string, cause: unknown): TenureError {
  const message = `the store is unavailable: ${problem}`;
  return new TenureError({ code: "STORE_UNAVAILABLE", message, details: { problem } }, cause);
}

/** There is no room for a store. */
export function storageFull(problem: string, cause: unknown): TenureError {
  const message = `the store has no room left: ${problem}; nothing was written`;
  return new TenureError({ code: "STORAGE_FULL", message, details: { problem } }, cause);
}

/** The store was written by a newer version of Tenure; `found` is its schema, if that is known. */
export function schemaTooNew(
  found: number | undefined,
  supported: number,
  cause: unknown,
): TenureError {
  const has = found === undefined ? "a newer schema" : `schema ${found}`;
  const message = `the store has ${has}; this version of Tenure reads up to ${supported}: upgrade Tenure`;
  return new TenureError({ code: "SCHEMA_TOO_NEW", message, details: { found, supported } }, cause);
}

/** The WebAssembly has not been loaded yet. */
export function wasmNotReady(): TenureError {
  const message =
    "the WebAssembly is not loaded yet: `await init()` before `openSync`, or use `await open()`";
  return new TenureError({ code: "WASM_NOT_READY", message, details: {} });
}

/** Neither build can serve what was asked for. */
export function bindingUnavailable(problem: string, cause?: unknown): TenureError {
  return new TenureError(
    { code: "BINDING_UNAVAILABLE", message: problem, details: { problem } },
    cause,
  );
}

/** The caller has stopped what was under way. */
export function aborted(reason: unknown): TenureError {
  const message = "stopped by the signal that was given; started again, it goes on from there";
  return new TenureError({ code: "ABORTED", message, details: {} }, reason);
}

/** A lease that was held is held no more. */
export function leaseLost(key: string, problem: string, cause: unknown): TenureError {
  const message = `the lease ${JSON.stringify(key)} is lost: ${problem}; stop what it guards`;
  return new TenureError({ code: "LEASE_LOST", message, details: { key, problem } }, cause);
}

/** A file or folder cannot be read. */
export function fileUnreadable(cause: unknown): TenureError {
  const problem = messageOf(cause);
  const message = `cannot be read: ${problem}`;
  return new TenureError({ code: "FILE_UNREADABLE", message, details: { problem } }, cause);
}

/** Old sessions could not be removed. */
export function notRemoved(failed: readonly Refusal[]): TenureError {
  const [first] = failed;
  const count = failed.length === 1 ? "one session" : `${failed.length} sessions`;
  const message = `${count} could not be removed, the first of them ${first?.id}: ${first?.message}; look at them, and delete them by hand`;
  return new TenureError({ code: "NOT_REMOVED", message, details: { failed } });
}

/** A webhook was not delivered. */
export function webhookFailed(
  url: string,
  problem: string,
  session: string,
  event: string,
  cause?: unknown,
): TenureError {
  const message = `the webhook ${event} of session ${session} was not delivered to ${url}: ${problem}`;
  return new TenureError(
    { code: "WEBHOOK_FAILED", message, details: { url, problem, session, event } },
    cause,
  );
}

/** A listener threw. */
export function listenerFailed(event: string, cause: unknown): TenureError {
  const problem = messageOf(cause);
  const message = `a listener for ${JSON.stringify(event)} threw: ${problem}`;
  return new TenureError({ code: "LISTENER_FAILED", message, details: { event, problem } }, cause);
}

/** A defect in Tenure, as data. */
export function internalError(problem: string): ErrorBody {
  return {
    code: "INTERNAL",
    message: `internal error: ${problem}; please report this`,
    details: { problem },
  };
}

/**
 * The one error class that Tenure throws. Most errors come from the Rust core as data and are given
 * this class here. The few that arise before the core is called, or after it has returned, are
 * created in this file; no other file writes the message of an error.
 *
 * @module
 */

import type { CoreErrorCode, JobAlert, NotPurged } from "../generated.js";
import type { DriverErrorCode } from "./error-code.js";

export type { DriverErrorCode } from "./error-code.js";

/** Every value of {@link TenureError.code}. */
export type ErrorCode = CoreErrorCode | DriverErrorCode;

/** An error as data, the form in which it comes from Rust. */
export interface ErrorBody {
  /** The stable code. */
  readonly code: ErrorCode;
  /** What went wrong and what to do about it. */
  readonly message: string;
  /** The values involved, by name. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The error that Tenure throws. Decide on `code`: it is stable, and the same in Node, in browsers
 * and on the command line. The message may change.
 */
export class TenureError extends Error {
  override readonly name = "TenureError";
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** The values that the message contains, by name. */
  readonly details: Readonly<Record<string, unknown>>;

  /** Creates an error from its data. `cause` is the underlying error, if there is one. */
  constructor(body: ErrorBody, cause?: unknown) {
    super(body.message, cause === undefined ? undefined : { cause });
    this.code = body.code;
    this.details = body.details;
  }
}

/**
 * Whether a value is a `TenureError`, and has this code if one is given. It also recognises errors
 * of another copy of this package.
 */
export function isTenureError(value: unknown, code?: ErrorCode): value is TenureError;
export function isTenureError(...args: readonly unknown[]): boolean {
  if (args.length > 2) throw tooManyArguments("isTenureError", 2, args.length);
  const [value, code] = args;
  if (code !== undefined && typeof code !== "string") {
    throw invalidArgument("code", "expected the code of an error");
  }
  return (
    value instanceof Error &&
    value.name === "TenureError" &&
    "code" in value &&
    (code === undefined || value.code === code)
  );
}

/** The message of a thrown value of any type. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown === "object" && thrown !== null && "message" in thrown)
      return String(thrown.message);
    return String(thrown);
  } catch {
    return "something that cannot be printed";
  }
}

/** A parameter is invalid. */
export function invalidArgument(what: string, problem: string, cause?: unknown): TenureError {
  const message = `${what}: ${problem}`;
  return new TenureError({ code: "INVALID_ARGUMENT", message, details: { what, problem } }, cause);
}

/** A function got more arguments than it has parameters. */
export function tooManyArguments(name: string, most: number, given: number): TenureError {
  const expected = most === 0 ? "no argument" : most === 1 ? "one argument" : `${most} arguments`;
  return invalidArgument("arguments", `\`${name}\` takes ${expected}, and got ${given}`);
}

/** A text is too large to be passed on. */
export function tooLarge(what: string, actual: number, limit: number): TenureError {
  return new TenureError(tooLargeError(what, actual, limit));
}

/** As {@link tooLarge}, as data. */
export function tooLargeError(what: string, actual: number, limit: number): ErrorBody {
  const message = `${what} is ${actual} bytes long; the limit is ${limit}`;
  return { code: "TOO_LARGE", message, details: { what, actual, limit } };
}

/** The handle was closed. */
export function closed(): TenureError {
  return new TenureError({ code: "CLOSED", message: "this handle is closed", details: {} });
}

/** A store returned a promise where a synchronous result is needed. */
export function storeIsAsync(): TenureError {
  const message = "this store is asynchronous: open it with `open`, not `openSync`";
  return new TenureError({ code: "STORE_IS_ASYNC", message, details: {} });
}

/** A synchronous function of `tenure/compat` was called over an asynchronous store. */
export function onlyPromises(): TenureError {
  const message =
    "this store is asynchronous: over it only those functions of tenure/compat work that return promises";
  return new TenureError({ code: "STORE_IS_ASYNC", message, details: {} });
}

/** This build cannot open the default store of `tenure/compat`. */
export function noDefaultStore(url: string, cause: unknown): TenureError {
  const problem = "call `configure({ store })` first, with a store that this build can open";
  const message = `${JSON.stringify(url)}, the default store, cannot be opened by this build: ${problem}`;
  return new TenureError({ code: "UNSUPPORTED_STORE", message, details: { url, problem } }, cause);
}

/** A method of a store called the handle that it serves. */
export function storeReentered(): TenureError {
  const message =
    "a store's method called back into the handle that it serves; a store must not use its own sessions";
  return new TenureError({ code: "STORE_REENTERED", message, details: {} });
}

/** A store's `close` failed. */
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
  return new TenureError(storeUnavailableError(problem), cause);
}

/** As {@link storeUnavailable}, as data. */
export function storeUnavailableError(problem: string): ErrorBody {
  const message = `the store is unavailable: ${problem}`;
  return { code: "STORE_UNAVAILABLE", message, details: { problem } };
}

/** A store did not answer in time, and nothing was being written, as data. */
export function storeTimeoutError(method: string, timeoutMs: number): ErrorBody {
  const message = `the store's ${method} did not answer within ${timeoutMs} ms; no write was under way`;
  return { code: "STORE_TIMEOUT", message, details: { method, timeoutMs } };
}

/** It is not known whether a write took effect, as data. */
export function outcomeUnknownError(problem: string): ErrorBody {
  const message = `the store did not confirm the write: ${problem}; load the session to see whether it took effect, or repeat the call with the same \`idempotencyKey\``;
  return { code: "OUTCOME_UNKNOWN", message, details: { problem } };
}

/** This build cannot serve a store. */
export function cannotServe(): TenureError {
  return notInBuild("serve", "use the native addon on Node, or the command `tenure ui`");
}

/** This build counts nothing, and makes no text of metrics. */
export function metricsNeedAddon(): TenureError {
  return notInBuild("metrics", "use the native addon on Node, or the command `tenure metrics`");
}

/** The error for a job in another build, or over a store in JavaScript. */
export function jobsNeedAddon(): TenureError {
  const problem =
    "only native stores, over the addon on Node, have jobs: `retention` is for others";
  return invalidArgument("jobs", problem);
}

/** The error for an archive at a URL in another build, or over a store in JavaScript or on a server. */
export function archiveNeedsAddon(): TenureError {
  const problem =
    "expected a function: only native stores, over the addon on Node, archive to a URL";
  return invalidArgument("archive", problem);
}

/** The error for reading an archive in another build, or over a store in JavaScript or on a server. */
export function readingNeedsAddon(): TenureError {
  const problem = "only native stores, over the addon on Node, read one: use `tenure archive`";
  return invalidArgument("archive", problem);
}

function notInBuild(name: string, instead: string): TenureError {
  const message = `the operation ${JSON.stringify(name)} is not in this build: ${instead}`;
  return new TenureError({ code: "UNSUPPORTED_OPERATION", message, details: { name, instead } });
}

/** The storage of a store is full. */
export function storageFull(problem: string, cause: unknown): TenureError {
  const message = `the store has no room left: ${problem}; nothing was written`;
  return new TenureError({ code: "STORAGE_FULL", message, details: { problem } }, cause);
}

/** A newer version of Tenure wrote the store. `found` is its schema version, if it is known. */
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

/** No build can open the requested store. */
export function bindingUnavailable(problem: string, cause?: unknown): TenureError {
  return new TenureError(
    { code: "BINDING_UNAVAILABLE", message: problem, details: { problem } },
    cause,
  );
}

/** The caller's signal aborted the operation. `next` says how to go on. */
export function aborted(
  reason: unknown,
  next = "started again, it continues from there",
): TenureError {
  const message = `aborted by the signal; ${next}`;
  return new TenureError({ code: "ABORTED", message, details: {} }, reason);
}

/** A watch is further behind than the changes that the store keeps. */
export function lagged(cause: TenureError): TenureError {
  const { newest } = cause.details;
  const message = `this watch is behind by more changes than the store keeps: read what you need again, and watch from position ${newest}`;
  return new TenureError({ code: "LAGGED", message, details: { position: newest } }, cause);
}

/** The store keeps no feed of its changes. */
export function noFeed(): TenureError {
  const message =
    "this store keeps no feed of its changes: use one that does, such as `sqlite:`, `file:`, `memory:` or `indexeddb:`";
  return new TenureError({ code: "NO_FEED", message, details: {} });
}

/** A held lease was lost. */
export function leaseLost(key: string, problem: string, cause: unknown): TenureError {
  const message = `the lease ${JSON.stringify(key)} is lost: ${problem}; stop what it guards`;
  return new TenureError({ code: "LEASE_LOST", message, details: { key, problem } }, cause);
}

/** A store did not answer while the answer was of use. */
export function notInTime(timeoutMs: number): TenureError {
  const message = `the store did not answer within ${timeoutMs} ms`;
  return new TenureError({ code: "STORE_TIMEOUT", message, details: { timeoutMs } });
}

/** A file or folder cannot be read. */
export function fileUnreadable(cause: unknown): TenureError {
  const problem = messageOf(cause);
  const message = `cannot be read: ${problem}`;
  return new TenureError({ code: "FILE_UNREADABLE", message, details: { problem } }, cause);
}

/** The archive of a session failed. */
export function archiveFailed(thrown: unknown): TenureError {
  const body = { code: "ARCHIVE_FAILED", message: messageOf(thrown), details: {} } as const;
  return new TenureError(body, thrown);
}

/** Retention could not remove sessions. */
export function notRemoved(failed: readonly NotPurged[]): TenureError {
  const [first] = failed;
  const count = failed.length === 1 ? "one session" : `${failed.length} sessions`;
  const message = `${count} could not be removed, the first of them ${first?.id}: ${first?.message}; inspect and delete them manually`;
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

/** The store fails, so that what is queued for the endpoints of its webhooks waits. */
export function deliveryFailed(code: ErrorCode): TenureError {
  const message = `the store failed with ${code}; what is queued for webhooks is delivered when it works again`;
  return new TenureError({ code, message, details: {} });
}

/** An alert of a job that removes old sessions. */
export function jobAlert({ job, reason, message: problem }: JobAlert): TenureError {
  const message = `job ${JSON.stringify(job)}: ${problem}`;
  return new TenureError({ code: "NOT_REMOVED", message, details: { job, reason } });
}

/** A listener threw, or its promise was rejected. */
export function listenerFailed(event: string, cause: unknown): TenureError {
  const problem = messageOf(cause);
  const message = `a listener for ${JSON.stringify(event)} failed: ${problem}`;
  return new TenureError({ code: "LISTENER_FAILED", message, details: { event, problem } }, cause);
}

/** A tracer has thrown. */
export function tracerFailed(cause: unknown): TenureError {
  const problem = messageOf(cause);
  const message = `the tracer failed, and is not reported again: ${problem}`;
  return new TenureError({ code: "LISTENER_FAILED", message, details: { problem } }, cause);
}

/** A thrown value as a `TenureError`. */
export function asError(thrown: unknown): TenureError {
  if (isTenureError(thrown)) return thrown;
  return new TenureError({ code: "INTERNAL", message: messageOf(thrown), details: {} }, thrown);
}

/** An internal error of Tenure, as data. */
export function internalError(problem: string): ErrorBody {
  return {
    code: "INTERNAL",
    message: `internal error: ${problem}; please report this`,
    details: { problem },
  };
}

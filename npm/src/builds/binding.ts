/**
 * The boundary to the Rust core, the same for both builds: a few functions over numbered handles
 * that take and return JSON text. Nothing else crosses it.
 *
 * @module
 */

import type { Capabilities } from "../generated.js";
import type { SleepRequest, StoreRequest } from "../stores/store.js";
import { type ErrorBody, internalError, messageOf, TenureError } from "../values/error.js";

/**
 * The exports of the native addon and of the WebAssembly module. Every returned text is an
 * {@link Answer}.
 */
export interface Binding {
  /** `ok` is a {@link BuildInfo}. */
  info(): string;
  /** Opens a store; `ok` is an {@link Opened}. Only the native build takes `done`. */
  open(url: string, options: string, done?: (settled: string) => void): string;
  /**
   * Performs an operation over a synchronous store. `entropy`, 32 hexadecimal digits, replaces the
   * random bits that the build would draw itself.
   */
  call(handle: number, operation: string, params: string, now: number, entropy?: string): string;
  /** Starts an operation over any store. */
  start(handle: number, operation: string, params: string, now: number, entropy?: string): string;
  /** Resumes an operation with the reply of a JavaScript store. */
  resume(handle: number, operation: number, reply: string): string;
  /** Cancels an operation that waits for a JavaScript store. */
  cancel(handle: number, operation: number): string;
  /** Sets the available models for later calls: `{models}`, `null` if they are unknown. */
  setModels(handle: number, params: string): string;
  /** Closes a handle. */
  close(handle: number): string;
}

/** Information about a build. */
export interface BuildInfo {
  /** Which build it is. */
  readonly build: "native" | "wasm";
  /** Its version. */
  readonly version: string;
  /** The URL schemes of the stores that it can open. */
  readonly stores: readonly string[];
}

/** The retention options as the core parsed them, in milliseconds. */
export interface RetentionPlan {
  /** The age at which sessions move to the trash. */
  readonly maxAge: number;
  /** The interval between two passes. */
  readonly every: number;
  /** The time after which sessions in the trash are purged. */
  readonly purgeAfter: number;
  /** The time for which entries of the audit log are kept. */
  readonly keepAudit: number;
}

/** An opened store. */
export interface Opened {
  /** The number that identifies the store in every call. */
  readonly handle: number;
  /** What the store can do. */
  readonly capabilities: Capabilities;
  /** How to run retention, if the options ask for it. */
  readonly retention?: RetentionPlan;
  /** The operation that ends when an asynchronous native store is open. */
  readonly opening?: number;
}

/** The operation succeeded. */
export interface Succeeded<T> {
  /** Its result. */
  readonly ok: T;
  /** Notifications for listeners and webhooks; each is the text of a `WebhookPayload`. */
  readonly notices?: readonly string[];
}

/** The operation failed. */
export interface Failed {
  /** The error. */
  readonly error: ErrorBody;
}

/** The operation needs a call of a JavaScript store, or time to pass. */
export interface Needs {
  /** What it needs; `method` and `params` are a {@link StoreRequest} or a {@link SleepRequest}. */
  readonly need: (StoreRequest | SleepRequest) & { readonly operation: number };
}

/** A thread of the native build will deliver the answer through `done`. */
export interface Waits {
  /** The number of the operation. */
  readonly wait: number;
}

/** The parsed return value of a call of the binding. */
export type Answer<T> = Succeeded<T> | Failed | Needs | Waits;

/** An answer that completes the operation. */
export type FinalAnswer<T> = Succeeded<T> | Failed;

/** An answer that was delivered through `done`. */
export interface Settled {
  /** The number from `wait`. */
  readonly operation: number;
  /** The answer. */
  readonly answer: FinalAnswer<unknown>;
}

/** Parses an answer. */
export function parseAnswer<T>(text: string): Answer<T> {
  return JSON.parse(text) as Answer<T>;
}

/**
 * Returns the result of a final answer, or throws its error. Errors of the core are thrown nowhere
 * else.
 */
export function resultOf<T>(answer: Answer<T>, cause?: unknown): T {
  if ("ok" in answer) return answer.ok;
  if ("error" in answer) throw new TenureError(answer.error, cause);
  throw new TenureError(internalError("an answer that is not final"));
}

/**
 * Wraps a binding so that it never throws. With `"refuse"` it is not called again after an
 * exception: a panic in WebAssembly is a trap that leaves its memory inconsistent.
 */
function guarded(binding: Binding, afterThrow: "continue" | "refuse"): Binding {
  let refusal: string | undefined;
  const guard = (call: () => string): string => {
    if (refusal !== undefined) return refusal;
    try {
      return call();
    } catch (thrown) {
      const answer = JSON.stringify({
        error: internalError(`the core has failed: ${messageOf(thrown)}`),
      });
      if (afterThrow === "refuse") {
        const problem = `the core has failed (${messageOf(thrown)}) and takes no more calls`;
        refusal = JSON.stringify({ error: internalError(problem) });
      }
      return answer;
    }
  };
  return {
    info: () => guard(() => binding.info()),
    open: (url, options, done) => guard(() => binding.open(url, options, done)),
    call: (...args) => guard(() => binding.call(...args)),
    start: (...args) => guard(() => binding.start(...args)),
    resume: (handle, operation, reply) => guard(() => binding.resume(handle, operation, reply)),
    cancel: (handle, operation) => guard(() => binding.cancel(handle, operation)),
    setModels: (handle, params) => guard(() => binding.setModels(handle, params)),
    close: (handle) => guard(() => binding.close(handle)),
  };
}

/** A loaded build. */
export interface Build {
  /** Information about the build. */
  readonly info: BuildInfo;
  /** Its exports, wrapped so that they do not throw. */
  readonly binding: Binding;
}

/** Creates a build from its exports. */
export function buildOf(exports: Binding, afterThrow: "continue" | "refuse"): Build {
  const binding = guarded(exports, afterThrow);
  return { binding, info: resultOf(parseAnswer<BuildInfo>(binding.info())) };
}

/**
 * What both builds of the Rust core export: a few functions over numbered handles, with JSON text
 * both ways. This is the whole boundary; nothing else crosses it.
 *
 * @module
 */

import type { Capabilities } from "../generated.js";
import type { StoreRequest } from "../stores/store.js";
import { type ErrorBody, internalError, messageOf, TenureError } from "../values/error.js";

/** The exports of the native addon and of the WebAssembly alike. Every answer is an {@link Answer}. */
export interface Binding {
  /** `ok` is a {@link BuildInfo}. */
  info(): string;
  /** Opens a store; `ok` is an {@link Opened}. Only the native build takes `done`. */
  open(url: string, options: string, done?: (settled: string) => void): string;
  /**
   * Performs an operation over a store that answers at once. `entropy`, 32 hexadecimal digits, takes
   * the place of the build's own random bits.
   */
  call(handle: number, operation: string, params: string, now: number, entropy?: string): string;
  /** Begins an operation over any store. */
  start(handle: number, operation: string, params: string, now: number, entropy?: string): string;
  /** Goes on with an operation that needed something of a JavaScript store. */
  resume(handle: number, operation: number, reply: string): string;
  /** Gives up an operation that waits for a JavaScript store. */
  cancel(handle: number, operation: number): string;
  /** Says which models there are for the calls from now on: `{models}`, `null` where it is not known. */
  setModels(handle: number, params: string): string;
  /** Closes a handle. */
  close(handle: number): string;
}

/** What a build says about itself. */
export interface BuildInfo {
  /** Which build it is. */
  readonly build: "native" | "wasm";
  /** Its version. */
  readonly version: string;
  /** The stores that it can open, by the scheme of their URLs. */
  readonly stores: readonly string[];
}

/** The options of retention as the core has read them, in milliseconds. */
export interface RetentionPlan {
  /** From which age on sessions go into the trash. */
  readonly maxAge: number;
  /** The interval between two passes. */
  readonly every: number;
  /** After which time in the trash they are removed for good. */
  readonly purgeAfter: number;
  /** How long entries of the audit log are kept. */
  readonly keepAudit: number;
}

/** An opened store. */
export interface Opened {
  /** The number that names it in every call. */
  readonly handle: number;
  /** What the store can do. */
  readonly capabilities: Capabilities;
  /** How to clean up by itself, where the options say that it should. */
  readonly retention?: RetentionPlan;
}

/** An operation has succeeded. */
export interface Succeeded<T> {
  /** Its result. */
  readonly ok: T;
  /** What the outside world is to be told: the text of a `WebhookPayload` each. */
  readonly notices?: readonly string[];
}

/** An operation has failed. */
export interface Failed {
  /** With this. */
  readonly error: ErrorBody;
}

/** An operation needs something of a JavaScript store. */
export interface Needs {
  /** What it needs; `method` and `params` are a {@link StoreRequest}. */
  readonly need: StoreRequest & { readonly operation: number };
}

/** A thread of the native build will answer through `done`. */
export interface Waits {
  /** The number under which the answer will come. */
  readonly wait: number;
}

/** What a call of the binding returns, once parsed. */
export type Answer<T> = Succeeded<T> | Failed | Needs | Waits;

/** An answer after which nothing more comes. */
export type FinalAnswer<T> = Succeeded<T> | Failed;

/** An answer that came through `done`. */
export interface Settled {
  /** The number that `wait` gave. */
  readonly operation: number;
  /** The answer. */
  readonly answer: FinalAnswer<unknown>;
}

/** Reads an answer. */
export function parseAnswer<T>(text: string): Answer<T> {
  return JSON.parse(text) as Answer<T>;
}

/** What a final answer comes to: its result, or its error thrown. No other place throws the core's. */
export function resultOf<T>(answer: Answer<T>, cause?: unknown): T {
  if ("ok" in answer) return answer.ok;
  if ("error" in answer) throw new TenureError(answer.error, cause);
  throw new TenureError(internalError("an answer out of turn"));
}

/**
 * Makes a binding that never throws. Where a throw leaves the build in an unknown state (in
 * WebAssembly a panic is a trap, and its memory stays half changed), it is not called again.
 */
function guarded(binding: Binding, afterThrow: "go on" | "refuse"): Binding {
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

/** A build that can be called. */
export interface Build {
  /** What it says about itself. */
  readonly info: BuildInfo;
  /** Its exports, which do not throw. */
  readonly binding: Binding;
}

/** Makes a build of its exports. */
export function buildOf(exports: Binding, afterThrow: "go on" | "refuse"): Build {
  const binding = guarded(exports, afterThrow);
  return { binding, info: resultOf(parseAnswer<BuildInfo>(binding.info())) };
}

/**
 * Calls a store that is written in JavaScript. Whatever its methods do (throw, reject, return an
 * invalid reply, never settle, settle twice, call back), the outcome is a reply for the core or a
 * timeout; nothing is thrown and no timer is left. The core validates the reply.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import { MAX_DELAY_MS } from "../runtime/timers.js";
import type { SleepRequest, Store, StoreRequest } from "../stores/store.js";
import { messageOf } from "../values/error.js";
import { ignore, isThenable } from "../values/thenable.js";

/** The outcome of a call of a store's method. */
export type Outcome =
  /** A reply for the core. */
  | { readonly kind: "reply"; readonly text: string }
  /** An error: `text` is the reply for the core, `thrown` the store's own error. */
  | { readonly kind: "error"; readonly text: string; readonly thrown: unknown }
  /** No result within the timeout. */
  | { readonly kind: "timeout" };

/** The codes that a store may give its errors. */
const CODES: ReadonlySet<unknown> = new Set([
  "STORAGE_FULL",
  "STORE_UNAVAILABLE",
  "CORRUPT_SESSION",
]);

/** Continues an operation with the outcome of what it needed, and returns its answer. */
export function continued(
  binding: Binding,
  handle: number,
  operation: number,
  outcome: Outcome,
): string {
  return outcome.kind === "timeout"
    ? binding.cancel(handle, operation)
    : binding.resume(handle, operation, outcome.text);
}

/** Drives one store. */
export class StoreDriver {
  readonly #store: Store;
  readonly #timeoutMs: number;
  #calling = false;

  /** Drives `store`; a method that has not settled after `timeoutMs` is abandoned. */
  constructor(store: Store, timeoutMs: number) {
    this.#store = store;
    this.#timeoutMs = timeoutMs;
  }

  /** The store. */
  get store(): Store {
    return this.#store;
  }

  /** Whether a method of the store is running further up the stack. */
  get isCalling(): boolean {
    return this.#calling;
  }

  /** Performs a request. The outcome is returned synchronously if the store is synchronous. */
  ask(request: StoreRequest | SleepRequest): Outcome | Promise<Outcome> {
    if (request.method === "sleep") return slept(request.params.ms);
    return this.#ask(() => call(this.#store, request));
  }

  /**
   * Performs a request synchronously; `undefined` means that the store returned a promise. A
   * synchronous caller does not sleep between two attempts.
   */
  askSync(request: StoreRequest | SleepRequest): Outcome | undefined {
    if (request.method === "sleep") return replied(null);
    return this.#askSync(() => call(this.#store, request));
  }

  /** Closes the store. */
  close(): Outcome | Promise<Outcome> {
    return this.#ask(() => this.#store.close?.());
  }

  /** Closes the store synchronously; `undefined` means that it returned a promise. */
  closeSync(): Outcome | undefined {
    return this.#askSync(() => this.#store.close?.());
  }

  #ask(method: () => unknown): Outcome | Promise<Outcome> {
    return outcomeOf(() => this.#run(method), this.#timeoutMs);
  }

  #askSync(method: () => unknown): Outcome | undefined {
    try {
      const answer = this.#run(method);
      if (!isThenable(answer)) return replied(answer);
      ignore(answer);
      return undefined;
    } catch (thrown) {
      return failed(thrown);
    }
  }

  #run(body: () => unknown): unknown {
    this.#calling = true;
    try {
      return body();
    } finally {
      this.#calling = false;
    }
  }
}

/**
 * Calls code of a user. The outcome is returned synchronously unless the code returns a promise; a
 * promise that has not settled after `timeoutMs` is a timeout.
 */
export function outcomeOf(method: () => unknown, timeoutMs: number): Outcome | Promise<Outcome> {
  try {
    const answer = method();
    return isThenable(answer) ? settled(answer, timeoutMs) : replied(answer);
  } catch (thrown) {
    return failed(thrown);
  }
}

function settled(answer: PromiseLike<unknown>, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const delay = Math.min(timeoutMs, MAX_DELAY_MS);
    const timer = setTimeout(() => resolve({ kind: "timeout" }), delay);
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    // `Promise.resolve` handles a thenable that throws or settles twice.
    Promise.resolve(answer).then(
      (value) => end(replied(value)),
      (thrown: unknown) => end(failed(thrown)),
    );
  });
}

/** Waits before an operation that met another writer tries again. */
function slept(ms: number): Promise<Outcome> {
  return new Promise((resolve) => setTimeout(() => resolve(replied(null)), ms));
}

function call(store: Store, { method, params }: StoreRequest): unknown {
  switch (method) {
    case "load":
      return store.load(params.id, params.history);
    case "commit":
      return store.commit(params.changes, params.feed);
    case "feed":
      return store.feed?.(params.query);
    case "list":
      return store.list(params.query);
    case "record":
      return store.record(params.kind, params.key);
    case "scan":
      return store.scan(params.scan);
  }
}

function replied(value: unknown): Outcome {
  try {
    return { kind: "reply", text: `{"ok":${JSON.stringify(value) ?? "null"}}` };
  } catch (thrown) {
    // The text is not JSON, so the core refuses it as an invalid reply.
    return { kind: "error", text: messageOf(thrown), thrown };
  }
}

function failed(thrown: unknown): Outcome {
  const error = { code: codeOf(thrown), message: messageOf(thrown) };
  return { kind: "error", text: JSON.stringify({ error }), thrown };
}

function codeOf(thrown: unknown): unknown {
  try {
    if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
    return CODES.has(thrown.code) ? thrown.code : undefined;
  } catch {
    return undefined;
  }
}

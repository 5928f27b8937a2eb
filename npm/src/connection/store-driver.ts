/**
 * Calls a store that is written in JavaScript. Whatever its methods do (throw, reject, return
 * rubbish, never settle, settle twice, call back), what comes out of here is a reply for the core
 * or the word that there was none in time; nothing is thrown and no timer stays behind. What a
 * reply means is decided in the core.
 *
 * @module
 */

import { MAX_DELAY_MS } from "../runtime/timers.js";
import type { Store, StoreRequest } from "../stores/store.js";
import { messageOf } from "../values/error.js";

/** How a call of a store's method ended. */
export type Outcome =
  /** With a reply for the core. */
  | { readonly kind: "reply"; readonly text: string }
  /** With an error, of which the core is told; `thrown` is the store's own. */
  | { readonly kind: "error"; readonly text: string; readonly thrown: unknown }
  /** Not at all within the time that it has. */
  | { readonly kind: "silence" };

/** The codes that a store may give its errors. */
const CODES: ReadonlySet<unknown> = new Set([
  "STORAGE_FULL",
  "STORE_UNAVAILABLE",
  "CORRUPT_SESSION",
]);

/** A store, and whether it is being called. */
export class StoreDriver {
  readonly #store: Store;
  readonly #timeoutMs: number;
  #calling = false;

  /** Serves `store`; a method that has not settled after `timeoutMs` is given up. */
  constructor(store: Store, timeoutMs: number) {
    this.#store = store;
    this.#timeoutMs = timeoutMs;
  }

  /** The store that is called. */
  get store(): Store {
    return this.#store;
  }

  /** Whether one of the store's methods is running right now, further up the stack. */
  get isCalling(): boolean {
    return this.#calling;
  }

  /** Asks the store. The outcome is there at once when the store answers at once. */
  ask(request: StoreRequest): Outcome | Promise<Outcome> {
    return this.#ask(() => call(this.#store, request));
  }

  /** Asks the store for an answer at once; `undefined` means that it returned a promise. */
  askSync(request: StoreRequest): Outcome | undefined {
    return this.#askSync(() => call(this.#store, request));
  }

  /** Tells the store that it is no longer needed. */
  close(): Outcome | Promise<Outcome> {
    return this.#ask(() => this.#store.close?.());
  }

  /** Tells the store that it is no longer needed; `undefined` means that it returned a promise. */
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
 * Calls something of a user's. The outcome is there at once unless a promise is returned; one that
 * has not settled after `timeoutMs` comes to silence.
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
    const timer = setTimeout(() => resolve({ kind: "silence" }), delay);
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    // A promise of our own takes whatever the thenable does: throwing, settling twice.
    Promise.resolve(answer).then(
      (value) => end(replied(value)),
      (thrown: unknown) => end(failed(thrown)),
    );
  });
}

function call(store: Store, { method, params }: StoreRequest): unknown {
  switch (method) {
    case "load":
      return store.load(params.id, params.history);
    case "commit":
      return store.commit(params.changes);
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
    // No JSON, which the core takes for the rubbish that it is.
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

/** Whether a value is a promise, or something that stands for one. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Takes a promise that nobody waits for, so that its rejection is not reported as unhandled. */
function ignore(promise: PromiseLike<unknown>): void {
  Promise.resolve(promise).catch(() => {});
}

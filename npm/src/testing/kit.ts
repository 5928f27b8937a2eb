/**
 * The exports of the conformance kit, which take and return JSON text like those of the core. The
 * cases are written in Rust; `node-kit.ts` and `browser-kit.ts` load the kit.
 *
 * @module
 */

import type { StoreRequest } from "../stores/store.js";
import type { ErrorBody } from "../values/error.js";
import { internalError, messageOf, TenureError } from "../values/error.js";

/**
 * The exports of the kit's WebAssembly module. Every returned text is `{"ok": value}` or
 * `{"error": body}`.
 */
export interface KitExports {
  /** `ok` is a list of {@link StoreCase}. */
  cases(): string;
  /** Begins a run of a case; `ok` is a {@link Step}. */
  start(name: string, scale: number): string;
  /** Resumes a run with a reply; `ok` is a {@link Step}. */
  resume(run: number, reply: string): string;
  /** Cancels a run. */
  cancel(run: number): string;
}

/** A case of the kit: a requirement for stores. */
export interface StoreCase {
  /** The group of the case. */
  readonly group: string;
  /** The requirement, as a sentence with `_` between its words. */
  readonly name: string;
}

/** A call that a run needs, of one of the stores that it has opened. The stores are numbered. */
export type Need =
  | (StoreRequest & Asked)
  | ({ readonly method: "open" } & Asked)
  | ({ readonly method: "close" } & Asked);

interface Asked {
  readonly run: number;
  readonly store: number;
}

/** The end of a run. */
export interface End {
  /** The outcome of the case. */
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why the case failed or was skipped. */
  readonly message?: string;
}

/** The next step of a run: a call of a store, or its end. */
export type Step = { readonly need: Need } | { readonly end: End };

/** The loaded kit. */
export class Kit {
  /** All cases, in a readable order. */
  readonly cases: readonly StoreCase[];
  readonly #exports: KitExports;

  /** Creates the kit from its exports. */
  constructor(exports: KitExports) {
    this.#exports = exports;
    this.cases = answered(() => exports.cases());
  }

  /** Starts a run of the case of this name. */
  start(name: string, scale: number): Step {
    return answered(() => this.#exports.start(name, scale));
  }

  /** Resumes a run with a reply. */
  resume(run: number, reply: string): Step {
    return answered(() => this.#exports.resume(run, reply));
  }

  /** Cancels a run. */
  cancel(run: number): void {
    answered(() => this.#exports.cancel(run));
  }
}

/** The source of an entry point's kit: synchronous, or asynchronous if it is fetched. */
export type KitSource = () => Kit | Promise<Kit>;

function answered<T>(call: () => string): T {
  let text: string;
  try {
    text = call();
  } catch (thrown) {
    throw new TenureError(internalError(`the kit has failed: ${messageOf(thrown)}`), thrown);
  }
  const answer = JSON.parse(text) as { readonly ok: T } | { readonly error: ErrorBody };
  if ("error" in answer) throw new TenureError(answer.error);
  return answer.ok;
}

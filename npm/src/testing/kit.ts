/**
 * The conformance kit's own exports, and what they answer: texts, as across the boundary of the core.
 * Which cases there are and what they demand is in Rust; where the kit is loaded from is said by
 * `node-kit.ts` and `browser-kit.ts`.
 *
 * @module
 */

import type { StoreRequest } from "../stores/store.js";
import type { ErrorBody } from "../values/error.js";
import { internalError, messageOf, TenureError } from "../values/error.js";

/** The exports of the kit's WebAssembly. Every answer is `{"ok": value}` or `{"error": body}`. */
export interface KitExports {
  /** `ok` is a list of {@link StoreCase}. */
  cases(): string;
  /** Begins a run of a case; `ok` is a {@link Step}. */
  start(name: string, scale: number): string;
  /** Goes on with a run after a reply; `ok` is a {@link Step}. */
  resume(run: number, reply: string): string;
  /** Gives a run up. */
  cancel(run: number): string;
}

/** One thing that a store must do. */
export interface StoreCase {
  /** What it is about. */
  readonly group: string;
  /** What must hold, as a sentence with `_` between its words. */
  readonly name: string;
}

/** What a run needs of one of the stores that it has opened, which it tells by a number. */
export type Need =
  | (StoreRequest & Asked)
  | ({ readonly method: "open" } & Asked)
  | ({ readonly method: "close" } & Asked);

interface Asked {
  readonly run: number;
  readonly store: number;
}

/** How a run has ended. */
export interface End {
  /** What the case has found. */
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was wrong, or why the case was left out. */
  readonly message?: string;
}

/** What a run has come to. */
export type Step = { readonly need: Need } | { readonly end: End };

/** The kit, loaded. */
export class Kit {
  /** All cases, in the order in which they are best read. */
  readonly cases: readonly StoreCase[];
  readonly #exports: KitExports;

  /** The kit of these exports. */
  constructor(exports: KitExports) {
    this.#exports = exports;
    this.cases = answered(() => exports.cases());
  }

  /** Begins a run of the case of this name. */
  start(name: string, scale: number): Step {
    return answered(() => this.#exports.start(name, scale));
  }

  /** Goes on with a run after a reply. */
  resume(run: number, reply: string): Step {
    return answered(() => this.#exports.resume(run, reply));
  }

  /** Gives a run up. */
  cancel(run: number): void {
    answered(() => this.#exports.cancel(run));
  }
}

/** Where an entry has its kit from: at once, or after it was fetched. */
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

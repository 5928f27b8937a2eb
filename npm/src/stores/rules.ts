/**
 * The rules that a store applies: whether a stored version meets the precondition of a change, which
 * events a part of a history contains, and the size of user data. The core evaluates them. Stores in
 * Rust call the same functions directly.
 *
 * @module
 */

import { type Binding, parseAnswer, resultOf } from "../builds/binding.js";
import { encode } from "../connection/encode.js";
import { invalidArgument } from "../values/error.js";
import type { StoredExpectation, StoredHead, StoredHistory } from "./stored.js";

/** A range of sequence numbers, both ends included. */
export interface SequenceRange {
  /** The first sequence number. */
  readonly first: number;
  /** The last sequence number. */
  readonly last: number;
}

/** The rules that a store applies. They are synchronous, so a store may call them in a transaction. */
export interface StoreRules {
  /**
   * Whether the stored version of a session or record meets the precondition of a change. `version`
   * is `null` or `undefined` if it does not exist.
   */
  allows(expect: StoredExpectation, version: number | null | undefined): boolean;
  /**
   * The sequence numbers of the events that `history` requests of a session with `eventCount`
   * events; `undefined` if it requests none.
   */
  rangeOf(history: StoredHistory, eventCount: number): SequenceRange | undefined;
  /**
   * The size of the user data of these heads, in bytes: what `maxBytes` of a query limits.
   */
  bytesOf(heads: readonly StoredHead[]): number;
}

/** The rules, evaluated by the build that `binding` returns. */
export function rulesOver(binding: () => Binding): StoreRules {
  return {
    allows(expect, version) {
      if (typeof expect !== "object" || expect === null) refuse("expect", expect);
      const { kind, version: expected }: ExpectationProperties = expect;
      const stored = numberOf("version", version ?? undefined);
      const allows = binding().allows(`${kind}`, numberOf("expect", expected), stored);
      return allows ?? refuse("expect", expect);
    },
    rangeOf(history, eventCount) {
      if (typeof history !== "object" || history === null) refuse("history", history);
      const { kind, count, sequence, limit }: HistoryProperties = history;
      const value = numberOf("history", count ?? sequence);
      const events = numberOf("eventCount", eventCount);
      const range = binding().rangeOf(`${kind}`, value, numberOf("history", limit), events);
      const [first, last] = Array.from(range ?? refuse("history", { ...history, eventCount }));
      return first === undefined || last === undefined ? undefined : { first, last };
    },
    bytesOf(heads) {
      if (
        !Array.isArray(heads) ||
        heads.some((head) => typeof head !== "object" || head === null)
      ) {
        refuse("heads", heads);
      }
      return resultOf(parseAnswer(binding().bytesOf(encode("heads", { ok: { heads } }))));
    },
  };
}

/** A number as the core takes it: `NaN` stands for none. */
function numberOf(what: string, value: number | undefined): number {
  if (value === undefined) return Number.NaN;
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(what, value);
}

function refuse(what: string, value: unknown): never {
  throw invalidArgument(what, `expected it as the core has passed it, got ${textOf(value)}`);
}

/** The properties of all kinds of {@link StoredExpectation}. */
interface ExpectationProperties {
  readonly kind: StoredExpectation["kind"];
  readonly version?: number;
}

/** The properties of all kinds of {@link StoredHistory}. */
interface HistoryProperties {
  readonly kind: StoredHistory["kind"];
  readonly count?: number;
  readonly sequence?: number;
  readonly limit?: number;
}

/** A value as text. A value that is no JSON is named by its type. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}

/**
 * The rules that a store applies: whether a stored version meets the precondition of a change, which
 * events a part of a history contains, and the size of user data. The core evaluates them. Stores in
 * Rust call the same functions directly.
 *
 * @module
 */

import type { Binding } from "../builds/binding.js";
import { exactly } from "../values/arguments.js";
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
  /** The paths of the properties that hold user data. They are the same in all builds. */
  let userData: readonly (readonly string[])[] | undefined;
  const rules: StoreRules = {
    allows(expect, version) {
      if (!isObject(expect)) refuse("expect", expect);
      const { kind, version: expected }: ExpectationProperties = expect;
      const stored = numberOf("version", version ?? undefined);
      const allows = binding().allows(`${kind}`, numberOf("expect", expected), stored);
      if (typeof allows !== "boolean" || hasOthers(expect, PROPERTIES[kind])) {
        refuse("expect", expect);
      }
      return allows;
    },
    rangeOf(history, eventCount) {
      if (!isObject(history)) refuse("history", history);
      const { kind, count, sequence, limit }: HistoryProperties = history;
      const value = numberOf("history", count ?? sequence);
      const events = numberOf("eventCount", eventCount);
      const range = binding().rangeOf(`${kind}`, value, numberOf("history", limit), events);
      const ends = Array.from(range ?? refuse("history", { ...history, eventCount }));
      if (hasOthers(history, PROPERTIES[kind])) refuse("history", history);
      const [first, last] = ends;
      return first === undefined || last === undefined ? undefined : { first, last };
    },
    bytesOf(heads) {
      if (!Array.isArray(heads)) refuse("heads", heads);
      userData ??= binding()
        .userData()
        .split(" ")
        .map((path) => path.split("."));
      let bytes = 0;
      for (const head of heads) {
        if (!isObject(head)) refuse("heads", heads);
        for (const path of userData) bytes += bytesAt(head, path);
      }
      return bytes;
    },
  };
  return {
    allows: exactly("allows", 2, rules.allows),
    rangeOf: exactly("rangeOf", 2, rules.rangeOf),
    bytesOf: exactly("bytesOf", 1, rules.bytesOf),
  };
}

/** The properties of each kind of precondition and of history. */
const PROPERTIES: Readonly<
  Record<StoredExpectation["kind"] | StoredHistory["kind"], readonly string[]>
> = {
  any: [],
  absent: [],
  present: [],
  version: ["version"],
  none: [],
  all: [],
  last: ["count"],
  after: ["sequence", "limit"],
};

/** Whether an object has properties that its kind does not have. */
function hasOthers(value: object, known: readonly string[]): boolean {
  return Object.keys(value).some((name) => name !== "kind" && !known.includes(name));
}

const utf8 = new TextEncoder();

/** The size of the text at a path of a head, in bytes of UTF-8; 0 if there is none. */
function bytesAt(head: object, path: readonly string[]): number {
  let value: unknown = head;
  for (const name of path) value = isObject(value) ? Reflect.get(value, name) : undefined;
  if (value === undefined || value === null) return 0;
  return typeof value === "string" ? utf8.encode(value).length : refuse(path.join("."), value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
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

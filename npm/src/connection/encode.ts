/**
 * Encodes parameters as the JSON text that is passed to the core, with one `JSON.stringify` per
 * call, user data included. What JSON would lose is refused with its path: a `Map` would become
 * `{}`, a function would disappear, and `NaN` or an invalid `Date` would become `null`. An `Error`,
 * whose properties JSON does not see, is written as its name, message, stack and cause.
 *
 * @module
 */

import { invalidArgument, messageOf, TenureError, tooLarge } from "../values/error.js";

/** Encodes the parameters of an operation, or options. `what` names them in errors. */
export function encode(what: string, params: unknown): string {
  return encodeMade(what, () => params);
}

/**
 * Encodes what `make` returns. `make` may throw as well, as the caller's objects can have getters.
 */
export function encodeMade(what: string, make: () => unknown): string {
  try {
    const params = make();
    const text = isPlain(params, MAX_PLAIN_DEPTH)
      ? JSON.stringify(params)
      : JSON.stringify(params, new Checks(what).replacer);
    if (text !== undefined && text.length > MAX_TEXT_LENGTH) {
      throw tooLarge(what, text.length, MAX_TEXT_LENGTH);
    }
    return text ?? "null";
  } catch (thrown) {
    if (thrown instanceof TenureError) throw thrown;
    throw invalidArgument(what, `cannot be written as JSON: ${messageOf(thrown)}`, thrown);
  }
}

/**
 * The greatest length of a text. It is far above the limits of what is stored; only exported
 * sessions come near to it. A text of JavaScript holds at most twice as much.
 */
const MAX_TEXT_LENGTH = 256 * 1024 * 1024;

/** The depth at which {@link isPlain} stops, so that it ends in an object that contains itself. */
const MAX_PLAIN_DEPTH = 32;

/**
 * Whether a value certainly consists of what JSON can hold. This is fast, and true of almost all
 * parameters; all others are checked as they are written.
 */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    for (const name in value) {
      if (!isPlain((value as Record<string, unknown>)[name], depth - 1)) return false;
    }
    return true;
  }
  if (prototype !== Array.prototype) return false;
  for (const item of value as readonly unknown[]) if (!isPlain(item, depth - 1)) return false;
  return true;
}

/** The checks of one text. */
class Checks {
  readonly #what: string;
  /** The path of each object that is being written, where it was met last. */
  readonly #paths = new Map<unknown, string>();
  /** What each error is written as: the same each time, so that a circle is found. */
  readonly #errors = new Map<unknown, object>();

  /** `what` names the value that is written. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Checks each value that is written. `this` is the object that contains it. */
  get replacer(): (this: unknown, name: string, value: unknown) => unknown {
    const replace = (holder: unknown, name: string, value: unknown): unknown =>
      this.#replace(holder, name, value);
    return function (name, value) {
      return replace(this, name, value);
    };
  }

  #replace(holder: unknown, name: string, value: unknown): unknown {
    switch (typeof value) {
      case "number":
        if (!Number.isFinite(value)) {
          this.#refuse(holder, name, `expected a finite number, got ${value}`);
        }
        return value;
      case "bigint":
      case "function":
      case "symbol":
        return this.#refuse(
          holder,
          name,
          `expected a value that JSON can hold, got a ${typeof value}`,
        );
      case "object":
        break;
      default:
        return value;
    }
    if (value === null) {
      // `toJSON` of an invalid date is null.
      if (isInvalidDate((holder as Record<string, unknown>)[name])) {
        this.#refuse(holder, name, "expected a time, got an invalid Date");
      }
      return value;
    }
    const written = isError(value) ? this.#written(value) : value;
    if (isLost(written)) {
      this.#refuse(holder, name, `expected a value that JSON can hold, got a ${nameOf(written)}`);
    }
    this.#paths.set(written, this.#pathOf(holder, name));
    return written;
  }

  #written(error: Error): object {
    const known = this.#errors.get(error);
    if (known !== undefined) return known;
    const written = propertiesOf(error);
    this.#errors.set(error, written);
    return written;
  }

  #pathOf(holder: unknown, name: string): string {
    const path = this.#paths.get(holder);
    if (path === undefined) return "";
    if (Array.isArray(holder)) return `${path}[${name}]`;
    return path === "" ? name : `${path}.${name}`;
  }

  #refuse(holder: unknown, name: string, problem: string): never {
    throw invalidArgument(this.#pathOf(holder, name) || this.#what, problem);
  }
}

/** The properties of an error that are written: those that JSON sees only if they are simple. */
function propertiesOf(error: Error): object {
  const properties: Record<string, unknown> = { name: error.name, message: error.message };
  for (const [name, value] of Object.entries(error)) {
    if (["string", "number", "boolean"].includes(typeof value)) properties[name] = value;
  }
  if (typeof error.stack === "string") properties.stack = error.stack;
  if (error.cause !== undefined) properties.cause = error.cause;
  if (error instanceof AggregateError) properties.errors = error.errors;
  return properties;
}

function isError(value: object): value is Error {
  return value instanceof Error || tagOf(value) === "Error";
}

function isInvalidDate(value: unknown): boolean {
  return value instanceof Date && Number.isNaN(value.getTime());
}

/** Objects whose contents are not in their properties. */
const COLLECTIONS: ReadonlySet<string> = new Set([
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "Promise",
  "DataView",
]);

/**
 * Whether JSON loses what an object contains. That is also assumed of an object of a class that has
 * no properties: a `RegExp`, an `ArrayBuffer`, or one with private fields.
 */
function isLost(value: object): boolean {
  if (Array.isArray(value)) return false;
  const tag = tagOf(value);
  // JSON writes the value that is inside of these.
  if (tag === "Number") return !Number.isFinite(Number(value));
  if (tag === "String" || tag === "Boolean" || tag === "BigInt") return false;
  if (COLLECTIONS.has(tag)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of an object of another realm is not `Object.prototype`, but as bare.
  const isBare = prototype === null || Object.getPrototypeOf(prototype) === null;
  return !isBare && !ArrayBuffer.isView(value) && Object.keys(value).length === 0;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** The name of an object's class. */
function nameOf(value: object): string {
  const tag = tagOf(value);
  return tag === "Object" ? String(value.constructor?.name ?? tag) : tag;
}

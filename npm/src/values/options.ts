/**
 * Checks of options. The core checks those that it takes; these are the ones that JavaScript
 * implements, and what would be lost on the way to the core.
 *
 * @module
 */

import { invalidArgument } from "./error.js";

/** The kinds of options that have a check. */
type Kind = "any" | "boolean" | "function" | "signal";

/** Checks that options are an object with known properties of the expected kinds. */
export function checkOptions(
  options: unknown,
  kinds: Readonly<Record<string, Kind>>,
  what = "options",
): void {
  checkObject(options, what);
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(kinds).map((known) => `\`${known}\``);
      const expected = known.length === 0 ? "none" : known.join(", ");
      throw invalidArgument(what, `\`${name}\` is not known; expected ${expected}`);
    }
    if (value !== undefined && !isOfKind(value, kind)) {
      throw invalidArgument(name, `expected ${EXPECTED[kind]}`);
    }
  }
}

/**
 * The parameters that options and the other arguments of a call are together. An argument takes the
 * place of an option of its name, so such an option is refused unless it has the same value.
 */
export function withOptions<O extends object, A extends object>(
  options: O | undefined | null,
  args: A,
): O & A {
  if (options === undefined || options === null) return args as O & A;
  checkObject(options, "options");
  for (const [name, value] of Object.entries(args)) {
    const option: unknown = Object.hasOwn(options, name) ? Reflect.get(options, name) : undefined;
    if (option !== undefined && option !== value) {
      throw invalidArgument(name, "expected it as an argument of its own, not among the options");
    }
  }
  return { ...options, ...args };
}

/** A copy of options, which later changes do not affect. What is no object is refused later. */
export function copyOf<O>(options: O): O {
  const isObject = typeof options === "object" && options !== null;
  return isObject && Object.keys(options).length > 0 ? { ...options } : options;
}

/** Checks that options are an object, whose properties are the options. */
export function checkObject(options: unknown, what: string): asserts options is object {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(what, "expected an object");
  }
  const prototype: unknown = Object.getPrototypeOf(options);
  // A `Map`, a `Date` and the like have no properties, and would be taken for no options.
  const isBare = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isBare && Object.keys(options).length === 0) {
    throw invalidArgument(what, "expected an object with properties");
  }
}

const EXPECTED: Readonly<Record<Kind, string>> = {
  any: "a value",
  boolean: "true or false",
  function: "a function",
  signal: "an AbortSignal",
};

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "any":
      return true;
    case "boolean":
    case "function":
      return typeof value === kind;
    case "signal":
      return typeof (value as Partial<AbortSignal> | null)?.addEventListener === "function";
  }
}

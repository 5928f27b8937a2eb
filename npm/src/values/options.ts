/**
 * Checks of options. The core checks those that it takes; these are the ones that JavaScript
 * implements, and what would be lost on the way to the core.
 *
 * @module
 */

import { type ErrorBody, invalidArgument, isTenureError, messageOf } from "./error.js";
import { nearest } from "./nearest.js";

/** The kinds of options that have a check. */
type Kind = "any" | "boolean" | "function" | "signal";

/** Checks that options are an object with known properties of the expected kinds. */
export function checkOptions(
  options: unknown,
  kinds: Readonly<Record<string, Kind>>,
  what = "options",
): void {
  checkObject(options, what);
  for (const [name, value] of read(what, () => Object.entries(options))) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const names = Object.keys(kinds);
      const known = names.map((known) => `\`${known}\``);
      const expected = known.length === 0 ? "none" : known.join(", ");
      throw invalidArgument(
        what,
        `\`${name}\` is not known${meant(name, names)}; expected ${expected}`,
      );
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

/** Refuses options in the first argument of a call, where they would have no effect. */
export function refuseOptions(first: unknown, names: readonly string[]): void {
  if (typeof first !== "object" || first === null) return;
  for (const name of names) {
    if (read(name, () => name in first)) {
      throw invalidArgument(name, "expected it among the options, which are the second argument");
    }
  }
}

/**
 * A copy of options, which later changes do not affect; `null` stands for none. Anything else that is no object
 * is refused later.
 */
export function copyOf<O>(options: O): O {
  if (options === null) return {} as O;
  if (typeof options !== "object") return options;
  return read("options", () => (Object.keys(options).length > 0 ? { ...options } : options));
}

/** Reads a caller's object, whose getters and traps may throw. */
export function read<T>(what: string, reading: () => T): T {
  try {
    return reading();
  } catch (thrown) {
    if (isTenureError(thrown)) throw thrown;
    throw invalidArgument(what, `cannot be read: ${messageOf(thrown)}`, thrown);
  }
}

/** Checks that options are an object, whose properties are the options, such as `example`. */
export function checkObject(
  options: unknown,
  what: string,
  example?: string,
): asserts options is object {
  if (read(what, () => isObject(options))) return;
  const such = example === undefined ? "" : ` such as \`${example}\``;
  throw invalidArgument(what, `expected an object${such}, got ${described(options)}`);
}

/** Whether a value is an object whose properties say something. */
function isObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // A `Map`, a `Date` and the like have no properties, and would be taken for no options.
  const isBare = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isBare || Object.keys(value).length > 0;
}

/** The length of the texts that messages show. */
const MAX_SHOWN = 40;

/** A value, as a message shows it. */
export function described(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
    case "undefined":
      return "nothing";
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return "a list";
      const name: unknown = read("options", () => value.constructor?.name);
      return typeof name === "string" && name !== "Object" ? `a ${name}` : "an object";
    }
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      return String(value);
  }
}

/** The known name that is probably meant. */
function meant(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? "" : ` (did you mean \`${near}\`?)`;
}

/**
 * An error of the core, with the known name that is probably meant if it is about one that is not
 * known. It is added here because pages load each byte of the core.
 */
export function suggesting(error: ErrorBody): ErrorBody {
  const { code, details } = error;
  if (code !== "INVALID_ARGUMENT") return error;
  const [, name, expected] =
    /^`([^`]*)` is not known; (expected .*)$/s.exec(String(details.problem)) ?? [];
  if (name === undefined || expected === undefined) return error;
  const known = [...expected.matchAll(/`([^`]+)`/g)].map(([, known = ""]) => known);
  const problem = `\`${name}\` is not known${meant(name, known)}; ${expected}`;
  return { code, message: `${details.what}: ${problem}`, details: { ...details, problem } };
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

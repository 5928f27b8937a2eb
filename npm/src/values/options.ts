/**
 * Checks of options that JavaScript implements. The core checks those that it takes.
 *
 * @module
 */

import { invalidArgument } from "./error.js";

/** The kinds of options that have a check. */
type Kind = "any" | "boolean" | "function" | "signal";

/** Checks that options are an object with known properties of the expected kinds. */
export function checkOptions(options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument("options", "expected an object");
  }
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(kinds).map((known) => `\`${known}\``);
      throw invalidArgument("options", `\`${name}\` is not known; expected ${known.join(", ")}`);
    }
    if (value !== undefined && !isOfKind(value, kind)) {
      throw invalidArgument(name, `expected ${EXPECTED[kind]}`);
    }
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

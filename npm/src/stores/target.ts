/**
 * The target of `open`: the URL of a store, or an object with the methods of a store.
 *
 * @module
 */

import { invalidArgument } from "../values/error.js";
import { described, read } from "../values/options.js";
import type { Store } from "./store.js";

/** A store to open: its URL, or a store of your own. */
export type Target = string | URL | Store;

/** The store that is opened by default. */
const DEFAULT_URL = "sqlite:./tenure.db";
/** The URL that stands for a JavaScript store in the core. */
const HOST_URL = "host:";

/** Refuses what is no target. */
export function checkTarget(target: unknown): asserts target is Target | undefined {
  if (target === undefined || typeof target === "string") return;
  const expected = "expected a URL or an object with the methods of a store";
  if (typeof target !== "object" || target === null) {
    throw invalidArgument("store", `${expected}, got ${described(target)}`);
  }
  read("store", () => {
    if (target instanceof URL || METHODS.some((name) => name in target)) return;
    const [option] = Object.keys(target);
    const got = option === undefined ? described(target) : `an object with \`${option}\``;
    throw invalidArgument("store", `${expected}, got ${got}; options are the second argument`);
  });
}

/** The methods of a store. An object that has one of them is a store; each call reports what it lacks. */
const METHODS: readonly (keyof Store)[] = ["load", "commit", "list", "record", "scan"];

/** Returns the URL that the core opens for a target. */
export function urlOf(target: Target | undefined): string {
  if (target === undefined) return DEFAULT_URL;
  if (typeof target === "string") return target;
  return read("store", () => (target instanceof URL ? target.href : HOST_URL));
}

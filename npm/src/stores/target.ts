/**
 * The target of `open`: the URL of a store, or an object with the methods of a store.
 *
 * @module
 */

import { invalidArgument } from "../values/error.js";
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
  if (typeof target !== "object" || target === null) {
    throw invalidArgument("store", "expected a URL or an object with the methods of a store");
  }
}

/** Returns the URL that the core opens for a target. */
export function urlOf(target: Target | undefined): string {
  if (target === undefined) return DEFAULT_URL;
  if (typeof target === "string") return target;
  return target instanceof URL ? target.href : HOST_URL;
}

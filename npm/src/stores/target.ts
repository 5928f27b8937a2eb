/**
 * What names a store that is to be opened: a URL, or an object with the methods of a store.
 *
 * @module
 */

import type { Store } from "./store.js";

/** Where sessions are kept: a URL, or a store of your own. */
export type Target = string | URL | Store;

/** The store of a handle that is opened without one. */
const DEFAULT_URL = "sqlite:./tenure.db";
/** The URL under which the core knows a store in JavaScript. */
const HOST_URL = "host:";

/** The URL that the core opens for a target. */
export function urlOf(target: Target | undefined): string {
  if (target === undefined) return DEFAULT_URL;
  if (typeof target === "string") return target;
  return target instanceof URL ? target.href : HOST_URL;
}

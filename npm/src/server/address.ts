/**
 * The address of a server: its URL, and the token, which no message shows.
 *
 * @module
 */

import { type Target, urlOf } from "../stores/target.js";
import { invalidArgument } from "../values/error.js";

/** The address of a server. */
export interface ServerAddress {
  /** Its URL without a slash at the end, as messages show it. */
  readonly base: string;
  /** The token, unless the pages of the server use its cookie. */
  readonly token: string | undefined;
}

/** Whether a target is a server. */
export function isServer(target: Target | undefined): boolean {
  return /^https?:/i.test(urlOf(target));
}

/** The address that a target and the option `token` name. The URL that a server prints has the token. */
export function addressOf(target: Target | undefined, token: unknown): ServerAddress {
  const text = urlOf(target);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "") {
    throw invalidArgument("store", "expected the URL of a server, such as https://host:4000");
  }
  if (token !== undefined && (typeof token !== "string" || !/^[\w.~-]+$/.test(token))) {
    throw invalidArgument("token", "expected the token of the server");
  }
  return {
    base: url.origin + url.pathname.replace(/\/+$/, ""),
    token: token ?? url.searchParams.get("token") ?? undefined,
  };
}

/**
 * Checks the options of webhooks when they are given, as a delivery that fails has no caller. No
 * message shows a URL or the value of a header, which may be secrets.
 *
 * @module
 */

import type { WebhookEvent } from "../generated.js";
import { invalidArgument } from "../values/error.js";

/** All events. */
const EVENTS: Readonly<Record<WebhookEvent, true>> = {
  start: true,
  pause: true,
  resume: true,
  complete: true,
  error: true,
  timeout: true,
  abandoned: true,
};

/** A name of a header, as RFC 9110 has it. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** A value of a header that `fetch` takes. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers of the connection, which `fetch` sets. */
const CONNECTION_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The absolute URL. In a page it may be given relative to the page. */
export function addressOf(given: unknown): URL {
  if (typeof given !== "string" && !(given instanceof URL)) {
    throw invalidArgument("webhook", "expected a URL, or an object with a `url`");
  }
  const base = globalThis.location?.href;
  const url = URL.canParse(given, base) ? new URL(given, base) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw invalidArgument("webhook.url", "expected an absolute URL of `http:` or `https:`");
  }
  if (url.username !== "" || url.password !== "") {
    const problem = "expected a URL without a user and a password; give them in `headers`";
    throw invalidArgument("webhook.url", problem);
  }
  url.hash = "";
  return url;
}

/** The headers, with their names in lower case. */
export function checkedHeaders(given: unknown): Record<string, string> {
  if (given === undefined) return {};
  const isObject = typeof given === "object" && given !== null && !(Symbol.iterator in given);
  if (!isObject) throw invalidArgument("webhook.headers", "expected an object of names and values");
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    const what = `webhook.headers[${JSON.stringify(name)}]`;
    const key = name.toLowerCase();
    if (!HEADER_NAME.test(name)) throw invalidArgument(what, "expected the name of a header");
    if (CONNECTION_HEADERS.has(key)) throw invalidArgument(what, "the connection sets it");
    if (headers.has(key)) throw invalidArgument(what, "expected each header once");
    if (typeof value !== "string" || !HEADER_VALUE.test(value)) {
      throw invalidArgument(what, "expected text in one line, of the characters of Latin-1");
    }
    headers.set(key, value);
  }
  return Object.fromEntries(headers);
}

/** The events to report. */
export function checkedEvents(given: unknown): readonly WebhookEvent[] {
  if (!Array.isArray(given)) throw invalidArgument("webhook.events", "expected a list");
  if (given.length === 0) throw invalidArgument("webhook.events", "expected at least one event");
  if (!given.every(isEvent)) {
    const known = Object.keys(EVENTS).map((event) => `"${event}"`);
    throw invalidArgument("webhook.events", `expected events among ${known.join(", ")}`);
  }
  return given;
}

/** The timeout of one delivery, in milliseconds. */
export function checkedTimeout(given: unknown): number {
  if (typeof given === "number" && given > 0) return given;
  throw invalidArgument("webhook.timeoutMs", "expected a number of more than 0");
}

function isEvent(event: unknown): event is WebhookEvent {
  return typeof event === "string" && Object.hasOwn(EVENTS, event);
}

/**
 * Delivers webhooks: posts the payloads that the core has built, after the change that they report
 * was committed. Best effort: in order within a session, never more than a few at once, given up
 * after a time, counted when they fail. Delivery has no influence on any operation.
 *
 * @module
 */

import type { WebhookEvent } from "../generated.js";
import { MAX_DELAY_MS } from "../runtime/timers.js";
import { invalidArgument, messageOf, type TenureError, webhookFailed } from "../values/error.js";

/** Where webhooks go, and which. */
export interface WebhookOptions {
  /** The address that payloads are posted to. */
  readonly url: string | URL;
  /** Headers to send besides `content-type`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The changes to report; all by default. */
  readonly events?: readonly WebhookEvent[] | undefined;
  /** How long one delivery may take in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** What to post with instead of the global `fetch`. */
  readonly fetch?: WebhookFetch | undefined;
}

/** The part of `fetch` that webhooks use. */
export type WebhookFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly ok: boolean; readonly status: number; readonly body?: unknown }>;

/** How long a delivery may take unless the options say otherwise. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Deliveries under way at once. */
const MAX_ACTIVE = 8;
/** Payloads that may wait; those beyond fail at once. */
const MAX_WAITING = 10_000;

/** What is delivered: a payload's text, and what has to be known of it on the way. */
export interface Delivery {
  /** What happened. */
  readonly event: WebhookEvent;
  /** The id of the session that it happened to. */
  readonly session: string;
  /** The payload as the core has written it. */
  readonly text: string;
}

/** Posts payloads to one address. */
export class Webhook {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #events: ReadonlySet<WebhookEvent> | undefined;
  readonly #timeoutMs: number;
  readonly #fetch: WebhookFetch | undefined;
  readonly #onFailure: (error: TenureError) => void;
  /** What waits, by session; a session that is being delivered to is here too, maybe empty. */
  readonly #lanes = new Map<string, Delivery[]>();
  /** The sessions that have something waiting and nothing under way. */
  readonly #ready: string[] = [];
  readonly #aborts = new Set<AbortController>();
  #waiting = 0;
  #onIdle: (() => void) | undefined;

  /** Delivers as `options` say; `onFailure` is told of every payload that is not delivered. */
  constructor(options: string | URL | WebhookOptions, onFailure: (error: TenureError) => void) {
    const given: WebhookOptions =
      typeof options === "string" || options instanceof URL ? { url: options } : options;
    const { url, headers, events, timeoutMs = DEFAULT_TIMEOUT_MS, fetch } = given;
    if (events !== undefined && !Array.isArray(events)) {
      throw invalidArgument("webhook.events", "expected a list");
    }
    if (!(timeoutMs > 0)) throw invalidArgument("webhook.timeoutMs", "expected more than 0");
    this.#url = absolute(url);
    this.#headers = { "content-type": "application/json", ...headers };
    this.#events = events && new Set(events);
    this.#timeoutMs = Math.min(timeoutMs, MAX_DELAY_MS);
    this.#fetch = fetch;
    this.#onFailure = onFailure;
  }

  /** Accepts a payload for delivery. */
  post(payload: Delivery): void {
    if (this.#events && !this.#events.has(payload.event)) return;
    if (this.#waiting >= MAX_WAITING) {
      this.#fail(payload, `${MAX_WAITING} others wait already`);
      return;
    }
    this.#waiting += 1;
    const lane = this.#lanes.get(payload.session);
    if (lane) {
      lane.push(payload);
    } else {
      this.#lanes.set(payload.session, [payload]);
      this.#ready.push(payload.session);
      this.#pump();
    }
  }

  /** Resolves when nothing waits any more; what is left after `timeoutMs` fails. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#lanes.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.stop();
  }

  /** Gives up everything that waits or is under way. */
  stop(): void {
    this.#ready.length = 0;
    for (const lane of this.#lanes.values()) {
      for (const payload of lane.splice(0)) {
        this.#waiting -= 1;
        this.#fail(payload, "the handle was closed");
      }
    }
    for (const abort of this.#aborts) abort.abort(new Error("the handle was closed"));
  }

  #pump(): void {
    while (this.#aborts.size < MAX_ACTIVE) {
      const session = this.#ready.shift();
      if (session === undefined) return;
      const payload = this.#lanes.get(session)?.shift();
      if (payload) void this.#deliver(session, payload);
    }
  }

  async #deliver(session: string, payload: Delivery): Promise<void> {
    const abort = new AbortController();
    this.#aborts.add(abort);
    const timer = setTimeout(
      () => abort.abort(new Error(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      await Promise.race([this.#send(payload, abort.signal), aborted(abort.signal)]);
    } catch (thrown) {
      this.#fail(payload, messageOf(thrown), thrown);
    } finally {
      clearTimeout(timer);
      this.#aborts.delete(abort);
      this.#waiting -= 1;
      if (this.#lanes.get(session)?.length) this.#ready.push(session);
      else this.#lanes.delete(session);
      this.#pump();
      if (this.#lanes.size === 0) this.#onIdle?.();
    }
  }

  async #send(payload: Delivery, signal: AbortSignal): Promise<void> {
    const send: WebhookFetch = this.#fetch ?? fetch;
    const response = await send(this.#url, {
      method: "POST",
      headers: this.#headers,
      body: payload.text,
      signal,
    });
    await discard(response.body);
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }

  #fail(payload: Delivery, problem: string, cause?: unknown): void {
    this.#onFailure(webhookFailed(this.#url, problem, payload.session, payload.event, cause));
  }
}

/** Lets go of an answer's body, so that its connection can be used again. */
async function discard(body: unknown): Promise<void> {
  if (
    typeof body === "object" &&
    body !== null &&
    "cancel" in body &&
    typeof body.cancel === "function"
  ) {
    await body.cancel();
  }
}

/** Rejects when the signal aborts: a `fetch` of the user's own may not look at it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The address in full: in a page it may be relative. */
function absolute(url: string | URL): string {
  if (typeof url !== "string" && !(url instanceof URL)) {
    throw invalidArgument("webhook", "expected a URL, or an object with a url");
  }
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch (thrown) {
    throw invalidArgument("webhook", `${JSON.stringify(url)} is not a URL`, thrown);
  }
}

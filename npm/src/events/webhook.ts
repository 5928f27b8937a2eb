/**
 * Delivers webhooks: posts the payloads of the core after the commit of the change that they
 * report. Delivery is best effort: in order within a session, with limited concurrency and a
 * timeout, and failures are counted. It does not affect any operation.
 *
 * @module
 */

import type { WebhookEvent } from "../generated.js";
import { MAX_DELAY_MS } from "../runtime/timers.js";
import { invalidArgument, messageOf, type TenureError, webhookFailed } from "../values/error.js";

/** Options of webhooks. */
export interface WebhookOptions {
  /** The URL that payloads are posted to. */
  readonly url: string | URL;
  /** Additional headers besides `content-type`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The events to report; all by default. */
  readonly events?: readonly WebhookEvent[] | undefined;
  /** The timeout of one delivery, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Replaces the global `fetch`. */
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

/** The default timeout of a delivery, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** The maximum number of concurrent deliveries. */
const MAX_ACTIVE = 8;
/** The maximum number of pending payloads; further ones fail immediately. */
const MAX_WAITING = 10_000;

/** A payload to deliver. */
export interface Delivery {
  /** The event. */
  readonly event: WebhookEvent;
  /** The id of the session. */
  readonly session: string;
  /** The payload, as the core serialized it. */
  readonly text: string;
}

/** Posts payloads to one URL. */
export class Webhook {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #events: ReadonlySet<WebhookEvent> | undefined;
  readonly #timeoutMs: number;
  readonly #fetch: WebhookFetch | undefined;
  readonly #onFailure: (error: TenureError) => void;
  /**
   * The pending payloads by session. A session with a running delivery has an entry, which may be
   * empty.
   */
  readonly #queues = new Map<string, Delivery[]>();
  /** The sessions with pending payloads and no running delivery. */
  readonly #ready: string[] = [];
  readonly #aborts = new Set<AbortController>();
  #waiting = 0;
  #onIdle: (() => void) | undefined;

  /** Creates a webhook. `onFailure` is called for every payload that is not delivered. */
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

  /** Queues a payload for delivery. */
  post(payload: Delivery): void {
    if (this.#events && !this.#events.has(payload.event)) return;
    if (this.#waiting >= MAX_WAITING) {
      this.#fail(payload, `${MAX_WAITING} others wait already`);
      return;
    }
    this.#waiting += 1;
    const queue = this.#queues.get(payload.session);
    if (queue) {
      queue.push(payload);
    } else {
      this.#queues.set(payload.session, [payload]);
      this.#ready.push(payload.session);
      this.#pump();
    }
  }

  /** Resolves when no payload is pending. Payloads that are pending after `timeoutMs` fail. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#queues.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.stop();
  }

  /** Cancels all pending and running deliveries. */
  stop(): void {
    this.#ready.length = 0;
    for (const queue of this.#queues.values()) {
      for (const payload of queue.splice(0)) {
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
      const payload = this.#queues.get(session)?.shift();
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
      if (this.#queues.get(session)?.length) this.#ready.push(session);
      else this.#queues.delete(session);
      this.#pump();
      if (this.#queues.size === 0) this.#onIdle?.();
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

/** Discards the body of a response, so that its connection can be reused. */
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

/** Rejects when the signal aborts, as a custom `fetch` may ignore the signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The absolute URL. In a page it may be given relative to the page. */
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

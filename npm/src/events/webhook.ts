/**
 * Delivers webhooks: posts the payloads of the core after the commit of the change that they
 * report. Delivery is best effort: in order within a session, with limited concurrency and a
 * timeout, and failures are counted. It does not affect any operation. What waits is bounded in
 * size and in time, so that a receiver that hangs costs neither memory nor the end of the process.
 *
 * @module
 */

import type { WebhookEvent } from "../generated.js";
import { MAX_DELAY_MS } from "../runtime/timers.js";
import { invalidArgument, messageOf, type TenureError, webhookFailed } from "../values/error.js";
import { checkOptions, read } from "../values/options.js";
import { addressOf, checkedEvents, checkedHeaders, checkedTimeout } from "./webhook-options.js";

/** Options of webhooks. */
export interface WebhookOptions {
  /**
   * The URL that payloads are posted to, `http:` or `https:`. Errors show its origin and path
   * alone. A redirect is not followed: it would take the payload and the headers elsewhere.
   */
  readonly url: string | URL;
  /** Additional headers besides `content-type`: an object of names and values. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The events to report, at least one; all by default. */
  readonly events?: readonly WebhookEvent[] | undefined;
  /** The timeout of one delivery, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Replaces the global `fetch`. */
  readonly fetch?: WebhookFetch | undefined;
  /**
   * Of `open`: makes it an endpoint of the store, with this id. Changes are then queued in the commit,
   * whichever program makes them, and delivered until they arrive, by this handle too. An endpoint that the store
   * has under this id is changed.
   */
  readonly endpoint?: string | undefined;
  /** Of an `endpoint`: the secret that signs deliveries, `whsec_` and 24 to 64 bytes in base64. */
  readonly secret?: string | undefined;
}

/** The part of `fetch` that webhooks use. */
export type WebhookFetch = (
  url: string,
  init: {
    readonly method: "POST";
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  },
) => Promise<WebhookResponse>;

/** The part of a response that webhooks use. Only a status of 200 to 299 is a delivery. */
export interface WebhookResponse {
  /** The status; a browser says 0 for a redirect. */
  readonly status: number;
  /** Whether a redirect was followed. */
  readonly redirected?: boolean | undefined;
  /** The body, which is discarded. */
  readonly body?: unknown;
}

/** The default timeout of a delivery, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** The maximum number of concurrent deliveries. */
const MAX_ACTIVE = 8;
/** The maximum number of pending payloads; further ones fail immediately. */
const MAX_PENDING = 10_000;
/** The maximum size of pending payloads in memory, in bytes; further ones fail immediately. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;
/** The bytes of a UTF-16 code unit. */
const UNIT_BYTES = 2;
/** The time after which a payload that waits for its delivery fails, in milliseconds. */
const MAX_WAIT_MS = 60_000;

/** A payload to deliver. */
export interface Delivery {
  /** The event. */
  readonly event: WebhookEvent;
  /** The id of the session. */
  readonly session: string;
  /** The payload, as the core serialized it. */
  readonly text: string;
}

/** A payload that waits. */
interface Waiting extends Delivery {
  /** When it was queued, in milliseconds of a monotonic clock. */
  readonly since: number;
}

const WEBHOOK_OPTIONS = {
  url: "any",
  headers: "any",
  events: "any",
  timeoutMs: "any",
  fetch: "function",
  endpoint: "any",
  secret: "any",
} as const;

/** Posts payloads to one URL. */
export class Webhook {
  readonly #url: string;
  /** The URL as errors show it. */
  readonly #shown: string;
  readonly #headers: Record<string, string>;
  readonly #events: ReadonlySet<WebhookEvent> | undefined;
  readonly #timeoutMs: number;
  readonly #fetch: WebhookFetch | undefined;
  readonly #onFailure: (error: TenureError) => void;
  /**
   * The waiting payloads by session. A session with a running delivery has an entry, which may be
   * empty.
   */
  readonly #queues = new Map<string, Waiting[]>();
  /** The sessions with waiting payloads and no running delivery. */
  readonly #ready: string[] = [];
  readonly #aborts = new Set<AbortController>();
  /** The number of pending payloads, waiting or in flight, and their size. */
  #pending = 0;
  #pendingBytes = 0;
  /** When the receiver has last answered. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  readonly #onIdle = new Set<() => void>();

  /** Creates a webhook. `onFailure` is called for every payload that is not delivered. */
  constructor(options: string | URL | WebhookOptions, onFailure: (error: TenureError) => void) {
    const given: WebhookOptions = read("webhook", () =>
      typeof options === "string" || options instanceof URL ? { url: options } : options,
    );
    if (given?.endpoint !== undefined) {
      throw invalidArgument("webhook.endpoint", "only `open` takes it");
    }
    checkOptions(given, WEBHOOK_OPTIONS, "webhook");
    const { url, headers, events, timeoutMs = DEFAULT_TIMEOUT_MS, fetch } = given;
    const address = addressOf(url);
    this.#url = address.href;
    this.#shown = address.origin + address.pathname;
    this.#headers = { "content-type": "application/json", ...checkedHeaders(headers) };
    this.#events = events && new Set(checkedEvents(events));
    this.#timeoutMs = Math.min(checkedTimeout(timeoutMs), MAX_DELAY_MS);
    this.#fetch = fetch;
    this.#onFailure = onFailure;
  }

  /** Whether no payload is pending. */
  get isIdle(): boolean {
    return this.#queues.size === 0;
  }

  /** Queues a payload for delivery. */
  post(payload: Delivery): void {
    if (this.#events && !this.#events.has(payload.event)) return;
    const refusal = this.#refusal(payload);
    if (refusal !== undefined) {
      this.#fail(payload, refusal);
      return;
    }
    this.#pending += 1;
    this.#pendingBytes += bytesOf(payload);
    const waiting = { ...payload, since: performance.now() };
    const queue = this.#queues.get(payload.session);
    if (queue) {
      queue.push(waiting);
    } else {
      this.#queues.set(payload.session, [waiting]);
      this.#ready.push(payload.session);
      this.#pump();
    }
  }

  /** Resolves when no payload is pending. Payloads that are pending after `timeoutMs` fail. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.isIdle) return;
    const idle = new Promise<void>((resolve) => this.#onIdle.add(resolve));
    const timer = setTimeout(() => this.#stop("the handle was closed"), timeoutMs);
    await idle;
    clearTimeout(timer);
  }

  /** Why no further payload is queued, if none is. */
  #refusal(payload: Delivery): string | undefined {
    if (this.#pending >= MAX_PENDING) return `${MAX_PENDING} others wait already`;
    const isOver = this.#pendingBytes + bytesOf(payload) > MAX_PENDING_BYTES;
    if (isOver && this.#pending > 0) return `others of ${this.#pendingBytes} bytes wait already`;
    return undefined;
  }

  #pump(): void {
    while (this.#aborts.size < MAX_ACTIVE) {
      const session = this.#ready.shift();
      if (session === undefined) return;
      const payload = this.#queues.get(session)?.shift();
      if (payload === undefined) continue;
      if (performance.now() - payload.since < MAX_WAIT_MS) {
        void this.#deliver(session, payload);
      } else {
        this.#end(session, payload);
        this.#fail(payload, `it has waited for ${MAX_WAIT_MS} ms`);
      }
    }
  }

  async #deliver(session: string, payload: Delivery): Promise<void> {
    const abort = new AbortController();
    this.#aborts.add(abort);
    const began = performance.now();
    const timeout = new Error(`no answer within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => abort.abort(timeout), this.#timeoutMs);
    try {
      await Promise.race([this.#send(payload, abort.signal), aborted(abort.signal)]);
    } catch (thrown) {
      this.#fail(payload, messageOf(thrown), thrown);
      // A receiver that has not answered another delivery meanwhile either hangs. One timeout after
      // the other would keep the process alive.
      const hangs = abort.signal.reason === timeout && this.#answeredAt < began;
      if (hangs) this.#failWaiting(`${timeout.message} to the one before it`);
    } finally {
      clearTimeout(timer);
      this.#aborts.delete(abort);
      this.#end(session, payload);
      this.#pump();
    }
  }

  async #send(payload: Delivery, signal: AbortSignal): Promise<void> {
    const send: WebhookFetch = this.#fetch ?? fetch;
    const response = await send(this.#url, {
      method: "POST",
      headers: this.#headers,
      body: payload.text,
      redirect: "manual",
      signal,
    });
    this.#answeredAt = performance.now();
    const { status, redirected } = response;
    await discard(response.body);
    if (status === 0 || redirected === true) throw new Error("the receiver answered a redirect");
    if (!(status >= 200 && status < 300)) throw new Error(`the receiver answered ${status}`);
  }

  /** Ends all deliveries, running and waiting. */
  #stop(problem: string): void {
    this.#failWaiting(problem);
    for (const abort of this.#aborts) abort.abort(new Error(problem));
  }

  /** Drops the payloads that wait. */
  #failWaiting(problem: string): void {
    const waiting = [...this.#queues.values()].flatMap((queue) => queue.splice(0));
    for (const session of this.#ready.splice(0)) this.#queues.delete(session);
    for (const payload of waiting) this.#release(payload);
    for (const payload of waiting) this.#fail(payload, problem);
  }

  /** A payload of a session is no longer pending, so that its next one can be delivered. */
  #end(session: string, payload: Delivery): void {
    this.#release(payload);
    if (this.#queues.get(session)?.length) {
      this.#ready.push(session);
      return;
    }
    this.#queues.delete(session);
    if (!this.isIdle) return;
    for (const call of this.#onIdle) call();
    this.#onIdle.clear();
  }

  #release(payload: Delivery): void {
    this.#pending -= 1;
    this.#pendingBytes -= bytesOf(payload);
  }

  #fail({ session, event }: Delivery, problem: string, cause?: unknown): void {
    const shown = problem.replaceAll(this.#url, this.#shown);
    // A cause whose message has the whole URL would show it.
    const safe = shown === problem ? cause : undefined;
    this.#onFailure(webhookFailed(this.#shown, shown, session, event, safe));
  }
}

/** The size of a payload in memory, in bytes. */
function bytesOf({ text }: Delivery): number {
  return text.length * UNIT_BYTES;
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

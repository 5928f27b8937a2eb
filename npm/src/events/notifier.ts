/**
 * Delivers the notifications of one handle: to its listeners synchronously, to its webhook
 * asynchronously, and to other handles on the same database.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import type { TenureError } from "../values/error.js";
import type { Broadcast, BroadcastListener } from "./broadcast.js";
import { Listeners } from "./listeners.js";
import { Webhook, type WebhookOptions } from "./webhook.js";

/** The time in which pending webhooks are delivered when a handle is closed, in milliseconds. */
const DRAIN_TIMEOUT_MS = 5000;

/** Delivers the notifications of one handle. */
export class Notifier implements BroadcastListener {
  /** The handle's listeners. */
  readonly listeners = new Listeners();
  /** The number of webhooks that were not delivered. */
  failures = 0;
  #webhook: Webhook | undefined;
  /** Webhooks that were replaced, and may have pending payloads. */
  #replaced: readonly Webhook[] = [];
  #broadcast: Broadcast | undefined;
  #wake: (() => void) | undefined;
  #onNotice: (() => void) | undefined;
  /** The payload that is delivered for one of the core. */
  #delivered: (payload: WebhookPayload) => WebhookPayload = (payload) => payload;

  /** Delivers a lifecycle event, given its payload's text. The webhook posts exactly this text. */
  readonly notify = (given: string): void => {
    const made = JSON.parse(given) as WebhookPayload;
    const payload = this.#delivered(made);
    const text = payload === made ? given : JSON.stringify(payload);
    this.listeners.lifecycle(payload);
    this.#webhook?.post({
      event: payload.event,
      session: payload.session.id,
      text,
    });
    this.#broadcast?.lifecycle(given);
    this.#onNotice?.();
  };

  /** Calls `wake` after each lifecycle event of this handle. */
  onNotice(wake: () => void): void {
    this.#onNotice = wake;
  }

  /** Delivers the event `abandoned` as an `error`, as the API of `tenure/compat` has it. */
  deliverAbandonedAsError(): void {
    this.#delivered = abandonedAsError;
  }

  /** Exchanges notifications with the other handles on a database, which call `wake` after a commit. */
  join(broadcast: Broadcast, name: string, wake: () => void): void {
    this.#broadcast = broadcast;
    this.#wake = wake;
    broadcast.join(name, this);
  }

  /** Called when another handle has changed something. */
  onChange(): void {
    this.#wake?.();
  }

  /** Called for a lifecycle event of another handle, which posts its own webhook. */
  onRemoteLifecycle(payload: WebhookPayload): void {
    this.listeners.lifecycle(this.#delivered(payload));
  }

  /** Delivers the cancellation of a session by this handle. */
  cancelled(cancelled: SlotCancelled): void {
    this.listeners.cancelled(cancelled);
    this.#broadcast?.cancelled(cancelled);
  }

  /** Called for the cancellation of a session by another handle. */
  onRemoteCancelled(cancelled: SlotCancelled): void {
    this.listeners.cancelled(cancelled);
  }

  /** Sets the webhook; `null` switches it off. Pending webhooks are still delivered. */
  configure(options: string | URL | WebhookOptions | null): void {
    const webhook = options === null ? undefined : new Webhook(options, this.#onFailure);
    this.#replaced = this.#webhooks.filter(({ isIdle }) => !isIdle);
    this.#webhook = webhook;
  }

  /**
   * Resolves when every pending webhook was delivered or has failed, at the latest after five
   * seconds.
   */
  async drain(): Promise<void> {
    await Promise.all(this.#webhooks.map((webhook) => webhook.drain(DRAIN_TIMEOUT_MS)));
  }

  get #webhooks(): readonly Webhook[] {
    return this.#webhook === undefined ? this.#replaced : [...this.#replaced, this.#webhook];
  }

  readonly #onFailure = (error: TenureError): void => {
    this.failures += 1;
    this.listeners.error(error);
  };
}

function abandonedAsError(payload: WebhookPayload): WebhookPayload {
  if (payload.event !== "abandoned") return payload;
  const { reason: detail } = (payload.data ?? {}) as { readonly reason?: unknown };
  const data = { reason: "abandoned", ...(detail === undefined ? {} : { detail }) };
  return { ...payload, event: "error", data };
}

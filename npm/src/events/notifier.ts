/**
 * Tells the changes of one handle: its listeners at once, its webhook in its own time, and other
 * handles on the same database where there can be such.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import type { TenureError } from "../values/error.js";
import type { Broadcast, BroadcastListener } from "./broadcast.js";
import { Listeners } from "./listeners.js";
import { Webhook, type WebhookOptions } from "./webhook.js";

/** Where the changes of one handle are told: its listeners and its webhook. */
export class Notifier implements BroadcastListener {
  /** The handle's listeners. */
  readonly listeners = new Listeners();
  /** How many webhooks were not delivered. */
  failures = 0;
  #webhook: Webhook | undefined;
  #broadcast: Broadcast | undefined;

  /** Tells of a change, given the payload's text: what is posted is what the core has written. */
  readonly announce = (text: string): void => {
    const payload = JSON.parse(text) as WebhookPayload;
    this.listeners.lifecycle(payload);
    this.#webhook?.post({
      event: payload.event,
      session: payload.session.id,
      text,
    });
    this.#broadcast?.lifecycle(text);
  };

  /** Tells the other handles on a database as well, and hears of them. */
  share(broadcast: Broadcast, name: string): void {
    this.#broadcast = broadcast;
    broadcast.join(name, this);
  }

  /** Sessions were changed. */
  changed(ids: readonly string[]): void {
    this.listeners.change({ ids });
  }

  /** Another handle has told of a change. It posts its own webhook. */
  heard(payload: WebhookPayload): void {
    this.listeners.lifecycle(payload);
  }

  /** A session was cancelled through this handle. */
  cancelled(cancelled: SlotCancelled): void {
    this.listeners.cancelled(cancelled);
    this.#broadcast?.cancelled(cancelled);
  }

  /** Another handle has cancelled a session. */
  heardCancelled(cancelled: SlotCancelled): void {
    this.listeners.cancelled(cancelled);
  }

  /** Posts from now on as `options` say; `null` ends it. What waits already is still delivered. */
  configure(options: string | URL | WebhookOptions | null): void {
    this.#webhook = options === null ? undefined : new Webhook(options, this.#onFailure);
  }

  /** Resolves when every webhook was delivered or has failed, which it has after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#webhook?.drain(timeoutMs);
  }

  readonly #onFailure = (error: TenureError): void => {
    this.failures += 1;
    this.listeners.error(error);
  };
}

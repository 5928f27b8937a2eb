/**
 * Messages between the handles on one database, across tabs and workers: that a commit has changed
 * something, lifecycle events, and which sessions were cancelled. They only serve listeners. No handle
 * relies on them, because the versions in the store guard every write.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import { unref } from "../runtime/timers.js";

/** Receives the messages of a database. */
export interface BroadcastListener {
  /** Something was changed, through this or another handle. */
  onChange(): void;
  /** A lifecycle event happened through another handle. */
  onRemoteLifecycle(payload: WebhookPayload): void;
  /** A session was cancelled through another handle. */
  onRemoteCancelled(cancelled: SlotCancelled): void;
}

/** A message between handles. */
type Message =
  | { readonly kind: "change" }
  | { readonly kind: "lifecycle"; readonly payload: string }
  | { readonly kind: "cancelled"; readonly cancelled: SlotCancelled };

/** Sends and receives the messages of one database for one handle. */
export class Broadcast {
  #channel: BroadcastChannel | undefined;

  /** Joins the handles on the database of this name. */
  join(name: string, listener: BroadcastListener): void {
    // An open channel is not garbage-collected, so it must not reference the handle.
    const reference = new WeakRef(listener);
    if (typeof BroadcastChannel === "undefined") return;
    const channel = new BroadcastChannel(`tenure:${name}`);
    channel.onmessage = ({ data }) => {
      const receiver = reference.deref();
      if (receiver !== undefined) deliver(data, receiver);
    };
    unref(channel);
    this.#channel = channel;
  }

  /** Reports to the other handles that a commit of this one has changed something. */
  change(): void {
    this.#post({ kind: "change" });
  }

  /** Sends a lifecycle event of this handle to the others. */
  lifecycle(payload: string): void {
    this.#post({ kind: "lifecycle", payload });
  }

  /** Sends the cancellation of a session by this handle to the others. */
  cancelled(cancelled: SlotCancelled): void {
    this.#post({ kind: "cancelled", cancelled });
  }

  /** Leaves the channel. Sent messages are still delivered. */
  leave(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}

/**
 * Passes a message to the listener if it is valid. Any code of the same origin can post to the
 * channel.
 */
function deliver(message: unknown, listener: BroadcastListener): void {
  if (typeof message !== "object" || message === null || !("kind" in message)) return;
  if (message.kind === "change") {
    listener.onChange();
  } else if (
    message.kind === "lifecycle" &&
    "payload" in message &&
    typeof message.payload === "string"
  ) {
    const payload = parsed(message.payload);
    if (payload !== undefined) listener.onRemoteLifecycle(payload);
  } else if (
    message.kind === "cancelled" &&
    "cancelled" in message &&
    isCancelled(message.cancelled)
  ) {
    listener.onRemoteCancelled(message.cancelled);
  }
}

function parsed(text: string): WebhookPayload | undefined {
  try {
    return JSON.parse(text) as WebhookPayload;
  } catch {
    return undefined;
  }
}

function isCancelled(value: unknown): value is SlotCancelled {
  if (typeof value !== "object" || value === null) return false;
  const { id, replacedBy, taskId, phase, reason } = value as Partial<SlotCancelled>;
  return [id, replacedBy, taskId, phase, reason].every((value) => typeof value === "string");
}

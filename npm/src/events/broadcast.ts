/**
 * What the handles on one database tell each other across tabs and workers: which sessions a commit
 * has changed, what happened in their lives, and which were cancelled. It carries words between listeners and nothing else;
 * no handle relies on them, as the versions in the store guard every write.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import { unref } from "../runtime/timers.js";

/** Who listens to the news. */
export interface BroadcastListener {
  /** Sessions were changed, through this handle or through another. */
  changed(ids: readonly string[]): void;
  /** Something happened in a session's life, through another handle. */
  heard(payload: WebhookPayload): void;
  /** A session was cancelled through another handle. */
  heardCancelled(cancelled: SlotCancelled): void;
}

/** What crosses from handle to handle. */
type Message =
  | { readonly kind: "change"; readonly ids: readonly string[] }
  | { readonly kind: "lifecycle"; readonly payload: string }
  | { readonly kind: "cancelled"; readonly cancelled: SlotCancelled };

/** The news of one database, as one handle tells and hears them. */
export class Broadcast {
  #channel: BroadcastChannel | undefined;
  #listener: WeakRef<BroadcastListener> | undefined;

  /** Joins those who share the database of this name. */
  join(name: string, listener: BroadcastListener): void {
    // An open channel stays alive by itself: it must not keep its handle.
    const reference = new WeakRef(listener);
    this.#listener = reference;
    if (typeof BroadcastChannel === "undefined") return;
    const channel = new BroadcastChannel(`tenure:${name}`);
    channel.onmessage = ({ data }) => {
      const hearer = reference.deref();
      if (hearer !== undefined) pass(data, hearer);
    };
    unref(channel);
    this.#channel = channel;
  }

  /** Tells of sessions that a commit of this handle has changed. */
  change(ids: readonly string[]): void {
    this.#post({ kind: "change", ids });
    this.#listener?.deref()?.changed(ids);
  }

  /** Tells the others of something that has happened through this handle. */
  lifecycle(payload: string): void {
    this.#post({ kind: "lifecycle", payload });
  }

  /** Tells the others of a session that was cancelled through this handle. */
  cancelled(cancelled: SlotCancelled): void {
    this.#post({ kind: "cancelled", cancelled });
  }

  /** Leaves. What was told is still delivered. */
  leave(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.#listener = undefined;
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}

/** Passes a message on if it is one: whatever is of the same origin can post to the channel. */
function pass(message: unknown, listener: BroadcastListener): void {
  if (typeof message !== "object" || message === null || !("kind" in message)) return;
  if (message.kind === "change" && "ids" in message && isTexts(message.ids)) {
    listener.changed(message.ids);
  } else if (
    message.kind === "lifecycle" &&
    "payload" in message &&
    typeof message.payload === "string"
  ) {
    const payload = parsed(message.payload);
    if (payload !== undefined) listener.heard(payload);
  } else if (
    message.kind === "cancelled" &&
    "cancelled" in message &&
    isCancelled(message.cancelled)
  ) {
    listener.heardCancelled(message.cancelled);
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
  return [id, replacedBy, taskId, phase, reason].every((member) => typeof member === "string");
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

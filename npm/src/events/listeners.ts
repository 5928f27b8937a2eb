/**
 * The listeners of a handle. A listener is called after the commit and cannot delay, fail or undo
 * it: what it throws, or its promise rejects with, is passed to the `"error"` listeners.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import { invalidArgument, listenerFailed, type TenureError } from "../values/error.js";
import type { Change, SessionTypes } from "../values/session-types.js";
import { onRejected } from "../values/thenable.js";

/** The events of a handle, and what their listeners are given. */
export interface SessionEvents<T extends SessionTypes = SessionTypes> {
  /**
   * A session was started, paused, resumed or finished through this handle; over `indexeddb:` also
   * through another handle on the same database.
   */
  lifecycle: WebhookPayload;
  /**
   * Sessions, leases or the audit log were changed, through any handle on the store, in any process or
   * tab. Over a store without a feed, `on` refuses this event with `NO_FEED`.
   */
  change: SessionsChanged<T>;
  /**
   * An active or paused session was superseded in its slot, and its runner should stop. Reported by
   * the handle that started the new session; over `indexeddb:` also by handles in other tabs.
   */
  cancelled: SlotCancelled;
  /** A failure in the background: of a webhook, a retention pass, a job, or another listener. */
  error: TenureError;
}

/** Changes, in the order of the commits. */
export interface SessionsChanged<T extends SessionTypes = SessionTypes> {
  /** The ids of the changed sessions, also of deleted ones. */
  readonly ids: readonly string[];
  /** The changes. */
  readonly changes: readonly Change<T>[];
}

/** A listener for an event. It may be asynchronous; it is not waited for. */
export type Listener<E extends keyof SessionEvents, T extends SessionTypes = SessionTypes> = (
  event: SessionEvents<T>[E],
) => unknown;

/** The listeners of one handle. */
export class Listeners {
  readonly #lifecycle = new Set<Listener<"lifecycle">>();
  readonly #change = new Set<Listener<"change">>();
  readonly #cancelled = new Set<Listener<"cancelled">>();
  readonly #error = new Set<Listener<"error">>();

  /** Adds a listener. Adding it again has no effect. */
  on<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    if (typeof listener !== "function") throw invalidArgument("listener", "expected a function");
    this.#of(event).add(listener);
  }

  /** Removes a listener. */
  off<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    this.#of(event).delete(listener);
  }

  /** Whether there are `"change"` listeners. */
  get hasChange(): boolean {
    return this.#change.size > 0;
  }

  /** Calls the `"lifecycle"` listeners. */
  lifecycle(payload: WebhookPayload): void {
    this.#call("lifecycle", this.#lifecycle, payload);
  }

  /** Calls the `"change"` listeners. */
  change(change: SessionsChanged): void {
    this.#call("change", this.#change, change);
  }

  /** Calls the `"cancelled"` listeners. */
  cancelled(cancelled: SlotCancelled): void {
    this.#call("cancelled", this.#cancelled, cancelled);
  }

  /** Calls the `"error"` listeners. Returns whether there are any. */
  error(error: TenureError): boolean {
    for (const listener of [...this.#error]) {
      // No listener is left for the error of an error listener, so it is logged.
      notify(listener, error, (thrown) => console.error(listenerFailed("error", thrown)));
    }
    return this.#error.size > 0;
  }

  #call<T>(event: string, listeners: ReadonlySet<(payload: T) => unknown>, payload: T): void {
    for (const listener of [...listeners]) {
      notify(listener, payload, (thrown) => this.error(listenerFailed(event, thrown)));
    }
  }

  #of<E extends keyof SessionEvents>(event: E): Set<Listener<E>> {
    const listeners: { readonly [K in keyof SessionEvents]: Set<Listener<K>> } = {
      lifecycle: this.#lifecycle,
      change: this.#change,
      cancelled: this.#cancelled,
      error: this.#error,
    };
    if (!Object.hasOwn(listeners, event)) {
      throw invalidArgument("event", 'expected "lifecycle", "change", "cancelled" or "error"');
    }
    return listeners[event];
  }
}

/** Calls a listener. `failed` is called with what it throws, or its promise rejects with. */
export function notify<T>(
  listener: (payload: T) => unknown,
  payload: T,
  failed: (thrown: unknown) => void,
): void {
  try {
    onRejected(listener(payload), failed);
  } catch (thrown) {
    failed(thrown);
  }
}

/**
 * Who is told what happens to the sessions of a handle. A listener is called after the commit and
 * can neither delay, fail nor undo it: what it throws goes to the `"error"` listeners.
 *
 * @module
 */

import { invalidArgument, listenerFailed, type TenureError } from "./error.js";
import type { WebhookPayload } from "./generated.js";

/** What can be listened for, and what a listener is given. */
export interface SessionEvents {
  /** A session was started, paused, resumed or ended through this handle. */
  lifecycle: WebhookPayload;
  /** Something failed that no call waits for: a webhook, a retention pass, another listener. */
  error: TenureError;
}

/** A listener for one sort of event. */
export type Listener<E extends keyof SessionEvents> = (event: SessionEvents[E]) => void;

/** The listeners of one handle. */
export class Listeners {
  readonly #lifecycle = new Set<Listener<"lifecycle">>();
  readonly #error = new Set<Listener<"error">>();

  /** Adds a listener; adding it again changes nothing. */
  on<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    if (typeof listener !== "function") throw invalidArgument("listener", "expected a function");
    this.#of(event).add(listener);
  }

  /** Removes a listener. */
  off<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    this.#of(event).delete(listener);
  }

  /** Tells of a change to a session. */
  lifecycle(payload: WebhookPayload): void {
    for (const listener of [...this.#lifecycle]) {
      try {
        listener(payload);
      } catch (thrown) {
        this.error(listenerFailed("lifecycle", thrown));
      }
    }
  }

  /** Tells of a failure, and says whether anyone listened. */
  error(error: TenureError): boolean {
    for (const listener of [...this.#error]) {
      try {
        listener(error);
      } catch (thrown) {
        // There is nobody left to tell but whoever reads the console.
        console.error(listenerFailed("error", thrown));
      }
    }
    return this.#error.size > 0;
  }

  #of<E extends keyof SessionEvents>(event: E): Set<Listener<E>> {
    const listeners: { readonly [K in keyof SessionEvents]: Set<Listener<K>> } = {
      lifecycle: this.#lifecycle,
      error: this.#error,
    };
    if (!Object.hasOwn(listeners, event)) {
      throw invalidArgument("event", 'expected "lifecycle" or "error"');
    }
    return listeners[event];
  }
}

/**
 * Who is told what happens to the sessions of a handle. A listener is called after the commit and
 * can neither delay, fail nor undo it: what it throws goes to the `"error"` listeners.
 *
 * @module
 */

import type { SlotCancelled, WebhookPayload } from "../generated.js";
import { invalidArgument, listenerFailed, type TenureError } from "../values/error.js";

/** What can be listened for, and what a listener is given. */
export interface SessionEvents {
  /**
   * A session was started, paused, resumed or ended through this handle; over `indexeddb:` also
   * through another one on the same database.
   */
  lifecycle: WebhookPayload;
  /**
   * Sessions were changed, through this handle or through another one on the same database, be it in
   * another tab. Stores that tell it: `indexeddb:`.
   */
  change: SessionsChanged;
  /**
   * A session that was active or paused has given its slot to another: whoever runs it is to stop.
   * Told by the handle that has started the other; over `indexeddb:` by those in other tabs too.
   */
  cancelled: SlotCancelled;
  /** Something failed that no call waits for: a webhook, a retention pass, another listener. */
  error: TenureError;
}

/** Which sessions a commit has changed. */
export interface SessionsChanged {
  /** Their ids; those of removed sessions too. */
  readonly ids: readonly string[];
}

/** A listener for one sort of event. */
export type Listener<E extends keyof SessionEvents> = (event: SessionEvents[E]) => void;

/** The listeners of one handle. */
export class Listeners {
  readonly #lifecycle = new Set<Listener<"lifecycle">>();
  readonly #change = new Set<Listener<"change">>();
  readonly #cancelled = new Set<Listener<"cancelled">>();
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
    this.#tell("lifecycle", this.#lifecycle, payload);
  }

  /** Tells of a commit. */
  change(change: SessionsChanged): void {
    this.#tell("change", this.#change, change);
  }

  /** Tells of a session that was cancelled. */
  cancelled(cancelled: SlotCancelled): void {
    this.#tell("cancelled", this.#cancelled, cancelled);
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

  #tell<T>(event: string, listeners: ReadonlySet<(told: T) => void>, told: T): void {
    for (const listener of [...listeners]) {
      try {
        listener(told);
      } catch (thrown) {
        this.error(listenerFailed(event, thrown));
      }
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

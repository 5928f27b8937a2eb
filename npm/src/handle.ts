/**
 * What the synchronous and the asynchronous handle share beside their operations: listeners,
 * webhooks, the retention clock, and the end of a handle that nobody closed. `sessions.ts` and
 * `sessions-sync.ts` say how each performs an operation and how it is closed.
 *
 * @module
 */

import type { Announcer } from "./announcer.js";
import type { BuildInfo } from "./binding.js";
import type { Connection, OperationName, Params, Result } from "./connection.js";
import { isTenureError, messageOf, TenureError } from "./error.js";
import type { Capabilities } from "./generated.js";
import type { Listener, SessionEvents } from "./listeners.js";
import { type Mode, Operations } from "./operations.js";
import { Retention, type RetentionPlan } from "./retention.js";
import type { Store } from "./store.js";
import type { WebhookOptions } from "./webhook.js";

/** Closes the stores of handles that were dropped without being closed. */
const dropped = new FinalizationRegistry<Connection>((connection) => connection.abandon());

/** What every handle has. */
export abstract class Handle<M extends Mode> extends Operations<M> {
  /** Which build serves this handle: the native addon or the WebAssembly. */
  readonly binding: BuildInfo["build"];
  /** What its store can do. */
  readonly capabilities: Capabilities;
  /** @internal */
  protected readonly connection: Connection;
  /** @internal */
  protected readonly announcer: Announcer;
  readonly #retention: Retention | undefined;

  /** @internal */
  constructor(build: BuildInfo["build"], connection: Connection, announcer: Announcer) {
    super();
    this.binding = build;
    this.capabilities = connection.capabilities;
    this.connection = connection;
    this.announcer = announcer;
    dropped.register(this, connection, connection);
    const plan = connection.retention;
    if (plan === undefined) return;
    // The clock does not keep a handle that nobody else has.
    const handle = new WeakRef(this);
    this.#retention = new Retention(plan.every, () => handle.deref()?.look(plan) ?? false);
  }

  /**
   * How many webhooks were not delivered since the handle was opened. Each was also told to the
   * `"error"` listeners.
   */
  get webhookFailures(): number {
    return this.announcer.failures;
  }

  /**
   * Calls a listener for what happens through this handle: `"lifecycle"` for changes of sessions,
   * `"change"` for whatever is written to them, `"error"` for failures that no call waits for. Returns a function that removes the listener.
   */
  on<E extends keyof SessionEvents>(event: E, listener: Listener<E>): () => void {
    this.announcer.listeners.on(event, listener);
    return () => this.off(event, listener);
  }

  /** Removes a listener. */
  off<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    this.announcer.listeners.off(event, listener);
  }

  /** Posts the changes of sessions to a URL from now on; `null` switches it off. */
  setWebhook(webhook: string | URL | WebhookOptions | null): void {
    this.announcer.configure(webhook);
  }

  /** What tells its store from others, as far as it can be told: a URL, or the store itself. @internal */
  get place(): string | Store {
    return this.connection.place;
  }

  /** Performs an operation that has no method. @internal */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>> {
    return this.connection.promise(this, name, () => params);
  }

  /** @internal */
  protected abstract clean(plan: RetentionPlan): unknown;

  /** Ends what runs by itself. @internal */
  protected detach(): void {
    this.#retention?.stop();
    dropped.unregister(this.connection);
  }

  /** Tells of a failure that no call waits for. @internal */
  protected report(thrown: unknown): void {
    const error = isTenureError(thrown)
      ? thrown
      : new TenureError({ code: "INTERNAL", message: messageOf(thrown), details: {} }, thrown);
    // Sessions that are not removed fill a disk: with no listener the console has to do.
    if (!this.announcer.listeners.error(error))
      console.warn(`tenure: retention failed: ${error.message}`);
  }

  private look(plan: RetentionPlan): boolean {
    if (this.connection.isClosed) return false;
    this.clean(plan);
    return true;
  }
}

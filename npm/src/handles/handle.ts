/**
 * What the synchronous and the asynchronous handle share beside their operations: listeners,
 * webhooks, what is set and counted for slots, the retention clock, and the end of a handle that nobody closed. `sessions.ts` and
 * `sessions-sync.ts` say how each performs an operation and how it is closed.
 *
 * @module
 */

import type { BuildInfo, RetentionPlan } from "../builds/binding.js";
import type { Mode, OperationName, Params, Result, Returns } from "../connection/call.js";
import type { Connection } from "../connection/connection.js";
import type { Models } from "../connection/models.js";
import type { Listener, SessionEvents } from "../events/listeners.js";
import type { Notifier } from "../events/notifier.js";
import type { WebhookOptions } from "../events/webhook.js";
import type {
  Capabilities,
  SlotAnswer,
  SlotLocking,
  SlotStart,
  StartInSlotParams,
} from "../generated.js";
import { Pass, Retention, type RetentionPass } from "../jobs/retention.js";
import { SlotMeter, type SlotMetrics } from "../slots/metrics.js";
import type { MaybePromise, Store } from "../stores/store.js";
import {
  invalidArgument,
  isTenureError,
  messageOf,
  notRemoved,
  TenureError,
} from "../values/error.js";
import type { Accepts } from "../values/params.js";
import { Operations } from "./operations.js";

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
  protected readonly notifier: Notifier;
  /** @internal */
  protected slotMeter = new SlotMeter();
  #locking: SlotLocking = "optimistic";
  #lastPass: RetentionPass | null = null;
  readonly #retention: Retention | undefined;

  /** @internal */
  constructor(build: BuildInfo["build"], connection: Connection, notifier: Notifier) {
    super();
    this.binding = build;
    this.capabilities = connection.capabilities;
    this.connection = connection;
    this.notifier = notifier;
    dropped.register(this, connection, connection);
    const plan = connection.retention;
    if (plan === undefined) return;
    // The clock does not keep a handle that nobody else has.
    const handle = new WeakRef(this);
    this.#retention = new Retention(plan.every, {
      look: () => {
        const there = handle.deref();
        return there === undefined ? "stop" : there.look(plan);
      },
      giveUp: (problem) => handle.deref()?.report(problem),
    });
  }

  /**
   * How many webhooks were not delivered since the handle was opened. Each was also told to the
   * `"error"` listeners.
   */
  get webhookFailures(): number {
    return this.notifier.failures;
  }

  /**
   * Calls a listener for what happens through this handle: `"lifecycle"` for changes of sessions,
   * `"change"` for whatever is written to them, `"cancelled"` for sessions that gave their slot to
   * another while they were active or paused, `"error"` for failures that no call waits for. Returns a
   * function that removes the listener.
   */
  on<E extends keyof SessionEvents>(event: E, listener: Listener<E>): () => void {
    this.notifier.listeners.on(event, listener);
    return () => this.off(event, listener);
  }

  /** Removes a listener. */
  off<E extends keyof SessionEvents>(event: E, listener: Listener<E>): void {
    this.notifier.listeners.off(event, listener);
  }

  /** Posts the changes of sessions to a URL from now on; `null` switches it off. */
  setWebhook(webhook: string | URL | WebhookOptions | null): void {
    this.notifier.configure(webhook);
  }

  /**
   * Whether whoever starts a session in a slot keeps others from it meanwhile, where the call does not
   * say which `locking` it wants. Set, it holds from the next call on. Sessions keep out of each
   * other's way in either case: each is written only if the slot is as it was when it was decided.
   */
  get pessimisticLockingEnabled(): boolean {
    return this.#locking === "pessimistic";
  }

  set pessimisticLockingEnabled(enabled: boolean) {
    if (typeof enabled !== "boolean") {
      throw invalidArgument("pessimisticLockingEnabled", "expected true or false");
    }
    this.#locking = enabled ? "pessimistic" : "optimistic";
  }

  /**
   * Starts sessions in slots, 100 at most, as many as possible in one commit. Each answer is what
   * {@link Operations.startInSlot} would have come to, in the order of the call, and does not wait;
   * `"failed"` is the outcome of one that it would have thrown an error for.
   */
  startInSlots(starts: readonly Accepts<StartInSlotParams>[]): Returns<M, readonly SlotAnswer[]> {
    const locking = this.slotLocking;
    return this.ask("startInSlots", () => ({
      starts: starts.map((start) => ({ ...start, locking: start.locking ?? locking })),
    }));
  }

  /**
   * Says anew which models there are, from the next call on: their names, or a function that says of a
   * name whether it is one; `null` takes every model to be there.
   */
  setModels(models: Models | null): void {
    this.connection.setModels(models);
  }

  /** What has happened in slots through this handle since it was opened, or since it counts anew. */
  slotMetrics(): SlotMetrics {
    return this.slotMeter.read(this.#lastPass);
  }

  /** Counts anew what happens in slots. */
  resetSlotMetrics(): void {
    this.slotMeter = new SlotMeter();
  }

  /** What tells its store from others, as far as it can be told: a URL, or the store itself. @internal */
  get place(): string | Store {
    return this.connection.place;
  }

  /** Performs an operation that has no method. @internal */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>> {
    return this.connection.promise(this, name, () => params);
  }

  /** What calls do about slots that do not say it. @internal */
  protected get slotLocking(): SlotLocking {
    return this.#locking;
  }

  /** What is to be done with the result of an operation before its caller gets it. @internal */
  protected watch<N extends OperationName>(name: N): ((result: Result<N>) => void) | undefined {
    if (name === "latestSession" || name === "slots") {
      const began = performance.now();
      const [meter, locking] = [this.slotMeter, this.#locking];
      return () => meter.lookedUp(locking, performance.now() - began);
    }
    if (name === "startInSlot") return (answer) => this.#tellOf(answer as SlotStart);
    if (name === "startInSlots") {
      return (answers) => {
        for (const answer of answers as readonly SlotAnswer[]) {
          this.slotMeter.count(answer);
          if (answer.outcome !== "failed") this.#tellOf(answer);
        }
      };
    }
    return undefined;
  }

  #tellOf({ cancelled }: SlotStart): void {
    if (cancelled !== undefined) this.notifier.cancelled(cancelled);
  }

  /** Makes the calls of a pass. @internal */
  protected abstract makeCalls(pass: Pass): Returns<M, void>;

  /** Ends what runs by itself. @internal */
  protected detach(): void {
    this.#retention?.stop();
    dropped.unregister(this.connection);
  }

  /** Tells of a failure that no call waits for. @internal */
  protected report(thrown: unknown): void {
    const error = asError(thrown);
    // Sessions that are not removed fill a disk: with no listener the console has to do.
    if (!this.notifier.listeners.error(error))
      console.warn(`tenure: retention failed: ${error.message}`);
  }

  /** Removes what is old: what has gone wrong, if anything has. */
  private look(plan: RetentionPlan): MaybePromise<unknown> | "stop" {
    if (this.connection.isClosed) return "stop";
    const pass = new Pass(plan);
    const end = (thrown?: unknown): unknown => {
      const error = thrown === undefined ? null : asError(thrown);
      this.#lastPass = pass.end(error?.code ?? null);
      const { failed } = this.#lastPass;
      return error ?? (failed.length > 0 ? notRemoved(failed) : undefined);
    };
    try {
      const made = this.makeCalls(pass);
      return made instanceof Promise ? made.then(() => end(), end) : end();
    } catch (thrown) {
      return end(thrown);
    }
  }
}

/** A thrown value as an error of Tenure. */
function asError(thrown: unknown): TenureError {
  if (isTenureError(thrown)) return thrown;
  return new TenureError({ code: "INTERNAL", message: messageOf(thrown), details: {} }, thrown);
}

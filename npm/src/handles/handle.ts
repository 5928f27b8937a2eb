/**
 * What the synchronous and the asynchronous handle share besides their operations: listeners,
 * webhooks, the settings and metrics of slots, retention, and the cleanup of a handle that was not
 * closed. `sessions.ts` and `sessions-sync.ts` define how each performs operations and how it is
 * closed.
 *
 * @module
 */

import type { BuildName, JobNews } from "../builds/binding.js";
import type { Mode, OperationName, Params, Result, Returns } from "../connection/call.js";
import type { Connection } from "../connection/connection.js";
import type { Models } from "../connection/models.js";
import { FeedFollower } from "../events/feed-follower.js";
import type { Feed } from "../events/feed-reader.js";
import type { Listener, SessionEvents } from "../events/listeners.js";
import type { Notifier } from "../events/notifier.js";
import type { WebhookOptions } from "../events/webhook.js";
import type { Capabilities, SlotLocking } from "../generated.js";
import type { Archiver } from "../jobs/archive.js";
import {
  type DeliverOptions,
  type Delivery,
  type DeliveryHost,
  deliverOnce,
  startDelivery,
  testEndpoint,
} from "../jobs/deliver.js";
import { type RetentionHost, type RetentionPass, startRetention } from "../jobs/retention.js";
import { type JobOptions, notify, startScheduled } from "../jobs/scheduled.js";
import { SlotMeter, type SlotMetrics } from "../slots/metrics.js";
import { checkArguments, type Refuse } from "../values/arguments.js";
import { asError, closed, deliveryFailed, invalidArgument, noFeed } from "../values/error.js";
import { checkObject, checkOptions, described } from "../values/options.js";
import type { SlotAnswer, SlotStart } from "../values/outcomes.js";
import type { ChangePage, SessionTypes, StartInSlotParams } from "../values/session-types.js";
import { Operations } from "./operations.js";
import type { WatchFilter } from "./watch.js";
import type { WebhookJobs } from "./webhooks.js";

/** Closes the stores of handles that were garbage-collected without being closed. */
const dropped = new FinalizationRegistry<Connection>((connection) => connection.abandon());

/** How long closing a handle waits for deliveries in flight, in milliseconds. */
const DRAIN_TIMEOUT_MS = 5000;
/** How to deliver. The core checks the values. */
const DELIVER_OPTIONS = { allowPrivate: "any", concurrency: "any" } as const;

/** The number of changes that are read at a time. */
const CHANGES_PER_READ = 1000;

/** The base class of all handles. */
export abstract class Handle<
  M extends Mode,
  T extends SessionTypes = SessionTypes,
> extends Operations<M, T> {
  static {
    const refuse: Refuse<Handle<Mode>> = (problem, self, method) => {
      if (method !== "startInSlots") throw problem;
      return Handle.refuse(problem, self);
    };
    checkArguments(Handle, refuse);
  }

  /** What serves this handle: the native addon, the WebAssembly, or a server. */
  readonly binding: BuildName;
  /** The capabilities of its store. */
  readonly capabilities: Capabilities;
  /** Whether every write is refused (`READ_ONLY`), as by a server that is read-only. */
  readonly isReadOnly: boolean;
  /** @internal */
  protected readonly connection: Connection;
  /** @internal */
  protected readonly notifier: Notifier;
  /** @internal */
  protected slotMeter: SlotMeter;
  #locking: SlotLocking = "optimistic";
  #lastPass: RetentionPass | null = null;
  readonly #follower: FeedFollower;
  /** Archives sessions before retention purges them. */
  readonly #archive: Archiver | undefined;
  readonly #stopRetention: (() => void) | undefined;
  #delivery: Delivery | undefined;
  #deliverOptions: DeliverOptions = {};
  #deliverPass: Promise<unknown> = Promise.resolve();
  #endsDelivery = false;
  /** The job that it runs. */
  #job: JobOptions | undefined;

  /** @internal */
  constructor(
    build: BuildName,
    connection: Connection,
    notifier: Notifier,
    archive: Archiver | undefined,
  ) {
    super();
    this.#archive = archive;
    this.binding = build;
    this.capabilities = connection.capabilities;
    this.isReadOnly = connection.isReadOnly;
    this.connection = connection;
    this.notifier = notifier;
    this.slotMeter = this.#newSlotMeter();
    this.#follower = new FeedFollower(this.feed({}, "ended"), this.notifier.listeners);
    dropped.register(this, connection, connection);
    const plan = connection.retention;
    if (plan === undefined) return;
    // The timer must not keep the handle alive.
    const handle = new WeakRef(this);
    this.#stopRetention = startRetention(connection.binding, plan, () =>
      handle.deref()?.retained(),
    );
  }

  /**
   * The number of webhooks that were not delivered since the handle was opened. Each failure is
   * also passed to the `"error"` listeners.
   */
  get webhookFailures(): number {
    return this.notifier.failures;
  }

  /**
   * Adds a listener for events of this handle: `"lifecycle"` for status changes of sessions,
   * `"change"` for every write, `"cancelled"` for active or paused sessions that were superseded in
   * their slot, `"error"` for failures in the background. Returns a function that removes the
   * listener.
   */
  on<E extends keyof SessionEvents>(event: E, listener: Listener<E, T>): () => void {
    if (event === "change") {
      if (!this.capabilities.feed) throw noFeed();
      if (this.connection.isClosed) throw closed();
    }
    this.notifier.listeners.on(event, listener as Listener<E>);
    if (event === "change") this.#follower.start();
    return () => this.off(event, listener);
  }

  /** Removes a listener. */
  off<E extends keyof SessionEvents>(event: E, listener: Listener<E, T>): void {
    this.notifier.listeners.off(event, listener as Listener<E>);
    if (event === "change" && !this.notifier.listeners.hasChange) this.#follower.stop();
  }

  /** See {@link Notifier.deliverAbandonedAsError}. @internal */
  deliverAbandonedAsError(): void {
    this.notifier.deliverAbandonedAsError();
  }

  /** Sets the webhook to which changes of sessions are posted; `null` switches it off. */
  setWebhook(webhook: string | URL | WebhookOptions | null): void {
    this.notifier.configure(webhook);
  }

  /**
   * Whether starting a session in a slot locks the slot by default; the option `locking` of a call
   * overrides it. A new value applies to later calls. The slot is consistent in either case: a
   * session is written only if the slot has not changed since the decision.
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
   * Starts up to 100 sessions in slots, as many as possible in one commit. The results are in the
   * order of the call, each as from {@link Operations.startInSlot} without waiting; the outcome
   * `"failed"` stands for an error that it would have thrown.
   */
  startInSlots(starts: readonly StartInSlotParams<T>[]): Returns<M, readonly SlotAnswer<T>[]> {
    const locking = this.slotLocking;
    return this.ask("startInSlots", () => {
      if (!Array.isArray(starts)) {
        throw invalidArgument("starts", `expected a list, got ${described(starts)}`);
      }
      return {
        starts: starts.map((start: StartInSlotParams<T>) => {
          checkObject(start, "starts");
          return { ...start, locking: start.locking ?? locking };
        }),
      };
    });
  }

  /**
   * Replaces the available models for later calls: their names, or a function that tells whether a
   * model is available; with `null` every model is available.
   */
  setModels(models: Models | null): void {
    this.connection.setModels(models);
  }

  /** The available models, if they are known. @internal */
  get models(): Models | undefined {
    return this.connection.models;
  }

  /** The metrics of slots of this handle, since it was opened or since the last reset. */
  slotMetrics(): SlotMetrics {
    return this.slotMeter.read(this.#lastPass);
  }

  /** Resets the metrics of slots. */
  resetSlotMetrics(): void {
    this.slotMeter = this.#newSlotMeter();
  }

  /** What two handles on one store have in common. @internal */
  get identity(): string {
    return this.connection.identity;
  }

  /** Performs an operation that has no method of its own. @internal */
  perform<N extends OperationName>(name: N, params: Params<N>): Promise<Result<N>> {
    return this.connection.performAsync(this, name, () => params);
  }

  /** The default locking of slots. @internal */
  protected get slotLocking(): SlotLocking {
    return this.#locking;
  }

  /** Returns what observes the result of an operation before its caller gets it. @internal */
  protected observe<N extends OperationName>(name: N): ((result: Result<N>) => void) | undefined {
    if (name === "latestSession" || name === "slots") {
      const began = performance.now();
      const [meter, locking] = [this.slotMeter, this.#locking];
      return () => meter.lookedUp(locking, performance.now() - began);
    }
    if (name === "startInSlot") return (answer) => this.#notifyCancelled(answer as SlotStart);
    if (name === "startInSlots") {
      return (answers) => {
        for (const answer of answers as readonly SlotAnswer[]) {
          this.slotMeter.count(answer);
          if (answer.outcome !== "failed") this.#notifyCancelled(answer);
        }
      };
    }
    return undefined;
  }

  /** What is waited for a slot is measured here, and counted with the operations. */
  #newSlotMeter(): SlotMeter {
    const { connection } = this;
    return new SlotMeter((slotWaited) => connection.reportMetrics({ slotWaited }));
  }

  #notifyCancelled({ cancelled }: SlotStart): void {
    if (cancelled !== undefined) this.notifier.cancelled(cancelled);
  }

  /** Starts to deliver webhooks. @internal */
  async deliver(options: boolean | DeliverOptions): Promise<void> {
    if (options === false) return;
    const given = options === true ? {} : options;
    checkOptions(given, DELIVER_OPTIONS, "deliver");
    this.#deliverOptions = given;
    // What the notifier calls must not keep the handle alive.
    const { connection, notifier } = this;
    const report = (thrown: unknown): void => {
      notifier.listeners.error(asError(thrown));
    };
    if (connection.deliver({ ...given, once: false })) {
      let last: string | null = null;
      this.#delivery = {
        started: Promise.resolve(),
        wake: () => {
          // A thread delivers. An error of the store is retried, and reported once.
          const error = connection.delivered()?.error ?? null;
          if (error !== null && error !== last) report(deliveryFailed(error));
          last = error;
        },
        stop: () => connection.endDelivery(),
      };
    } else {
      await connection.binding.prepareJobs?.();
      // The timer must not keep the handle alive.
      const handle = new WeakRef(this);
      this.#delivery = startDelivery(
        connection.binding,
        connection.postText,
        given,
        () => handle.deref()?.delivering(),
        report,
      );
    }
    // What this handle changes is delivered at once.
    const { started, wake } = this.#delivery;
    await started;
    this.notifier.onNotice(wake);
  }

  /** Delivers webhooks, or tests an endpoint. @internal */
  protected readonly webhookJobs = (): WebhookJobs => {
    const { binding, postText } = this.connection;
    const host = this.delivering();
    const { allowPrivate } = this.#deliverOptions;
    return {
      deliver: (params) => {
        const pass = () =>
          this.#whilePaused((options) =>
            deliverOnce(binding, postText, host, { ...options, ...params }),
          );
        const delivered = this.#deliverPass.then(pass, pass);
        this.#deliverPass = delivered;
        return delivered;
      },
      test: (id, options) =>
        testEndpoint(binding, postText, host, { allowPrivate, ...options, id }),
    };
  };

  /**
   * Calls `deliver` while nothing is delivered in the background: what that has in flight would be left behind, and
   * in a session all that follows it.
   */
  async #whilePaused<R>(deliver: (options: DeliverOptions) => Promise<R>): Promise<R> {
    const delivery = this.#delivery;
    this.#delivery = undefined;
    await delivery?.stop(DRAIN_TIMEOUT_MS);
    try {
      return await deliver(this.#deliverOptions);
    } finally {
      if (delivery !== undefined && !this.#endsDelivery) await this.deliver(this.#deliverOptions);
    }
  }

  /**
   * Stops to deliver; `undefined` for a handle that does not. Resolves when what is in flight is settled.
   *
   * @internal
   */
  protected endDelivery(): Promise<void> | undefined {
    const delivery = this.#delivery;
    this.#delivery = undefined;
    this.#endsDelivery = true;
    return delivery?.stop(DRAIN_TIMEOUT_MS);
  }

  /** Runs a job at its schedule. @internal */
  schedule(options: JobOptions): void {
    // Neither the thread of the job nor the functions of the caller must keep the handle alive.
    const handle = new WeakRef(this);
    startScheduled(this.connection, options, (news) => handle.deref()?.notified(news));
    this.#job = options;
  }

  /** Takes the news of the job. */
  private notified(news: JobNews): void {
    notify(this.#job ?? {}, news, (thrown) => this.report(thrown, "a job"));
  }

  /** Stops the job; `undefined` for a handle that has none. Resolves when what it does has ended. @internal */
  protected endSchedule(): Promise<void> | undefined {
    return this.#job && this.connection.endSchedule();
  }

  /** This handle, as deliveries use it. */
  private delivering(): DeliveryHost {
    return {
      run: (name, params) => this.ask(name, () => params),
    };
  }

  /** Stops retention. @internal */
  protected detach(): void {
    this.#stopRetention?.();
    dropped.unregister(this.connection);
  }

  /** Resolves when the `"change"` listeners have all changes that there are. @internal */
  protected followToTheEnd(): Promise<void> {
    return this.#follower.finish();
  }

  /** Reports a failure in the background. @internal */
  protected report(thrown: unknown, what: "retention" | "a job"): void {
    const error = asError(thrown);
    // Without a listener it is logged to the console, as sessions that are not removed fill the
    // disk.
    if (!this.notifier.listeners.error(error))
      console.warn(`tenure: ${what} failed: ${error.message}`);
  }

  /**
   * The feed of the store, of the sessions that a filter selects, until the handle is closed or
   * `"ended"`. @internal
   */
  protected feed(filter: WatchFilter, until: "closed" | "ended"): Feed<T> {
    const { connection } = this;
    const isLast = until === "ended";
    if (connection.isClosed) throw closed();
    if (!isLast && !this.capabilities.feed) throw noFeed();
    return {
      get isClosed() {
        return isLast ? connection.isEnded : connection.isClosed;
      },
      pollMs: connection.pollMs,
      read: (position) => {
        const params = { ...filter, position, limit: CHANGES_PER_READ };
        const page = connection.performAsync(this, "changesSince", () => params, isLast);
        // The types of the caller are the caller's promise.
        return page as Promise<ChangePage<T>>;
      },
      onChange: (wake) => connection.onChange(wake),
    };
  }

  /** This handle, as retention uses it. */
  private retained(): RetentionHost {
    return {
      isClosed: this.connection.isClosed,
      archive: this.#archive,
      openArchive: (at) => this.connection.openArchive(at.url, at.compress),
      run: (name, params) => this.ask(name, () => params),
      passed: (pass) => {
        this.#lastPass = pass;
        this.connection.reportMetrics({
          job: {
            job: "retention",
            durationMs: pass.durationMs,
            failed: pass.error !== null,
            batches: pass.batches,
            removed: pass.removed,
            notRemoved: pass.failed.length,
          },
        });
      },
      failed: (error) => this.report(error, "retention"),
    };
  }
}

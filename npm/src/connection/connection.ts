/**
 * A connection to an opened store: performs operations in the core, synchronously or
 * asynchronously, over stores of either build and over JavaScript stores. It does not know what the
 * operations do; they are listed in `generated.ts`.
 *
 * @module
 */

import {
  type Answer,
  type Binding,
  type FinalAnswer,
  type Opened,
  parseAnswer,
  resultOf,
  type Settled,
} from "../builds/binding.js";
import { type Capabilities, OPERATIONS, type RetentionParams } from "../generated.js";
import { closed, storeIsAsync, storeNotClosed, storeReentered } from "../values/error.js";
import type { OperationName, Params, Result } from "./call.js";
import { encode, encodeMade } from "./encode.js";
import { ModelFunction, type ModelInquiry, type Models } from "./models.js";
import type { StoreDriver } from "./store-driver.js";

/** A promise that an answer of a store's thread settles. */
interface Waiter {
  readonly resolve: (answer: FinalAnswer<unknown>) => void;
}

/** The clock and the random bits that the core takes with every call. */
export interface Environment {
  /** The current time, in milliseconds since 1970. */
  now(): number;
  /** Random bits as 32 hexadecimal digits, used once; `undefined` to use those of the build. */
  entropy(): string | undefined;
}

const SYSTEM: Environment = { now: () => Date.now(), entropy: () => undefined };

/** Options of a connection. */
export interface ConnectionOptions {
  /** The build to use. */
  readonly binding: Binding;
  /** The URL of the store; `host:` for a JavaScript store. */
  readonly url: string;
  /** The core's options as JSON. */
  readonly options: string;
  /** The driver of a JavaScript store. */
  readonly driver: StoreDriver | undefined;
  /** What identifies a JavaScript store, if anything but the object does. */
  readonly identity?: string | undefined;
  /** Called with the text of the payload of each notification, after the commit. */
  readonly notify: (payload: string) => void;
  /**
   * A function that decides which models are available. Lists of names are among the core's
   * options.
   */
  readonly models?: Models | undefined;
  /** Overrides the clock and the random bits, for tests. */
  readonly environment?: Environment | undefined;
}

/** A connection to an opened store. */
export class Connection {
  /** The capabilities of the store. */
  readonly capabilities: Capabilities;
  /** What two connections to this store have in common. */
  readonly identity: string;
  /** The build. */
  readonly binding: Binding;
  /** How to run retention, if it is configured. */
  readonly retention: RetentionParams | undefined;
  /** Settles when an asynchronous native store is open; `undefined` if the store is open. */
  readonly opening: Promise<null> | undefined;
  readonly #handle: number;
  readonly #driver: StoreDriver | undefined;
  readonly #notify: (payload: string) => void;
  readonly #environment: Environment;
  readonly #waiters: Map<number, Waiter>;
  /** Set if a function decides which models are available. */
  #models: ModelFunction | undefined;
  /** Pending operations, and the objects that must stay alive until they end. */
  readonly #pending = new Map<Promise<unknown>, object>();
  /** The last pending write to each session, over a JavaScript store. */
  readonly #lastWrites = new Map<string, Promise<unknown>>();
  #closed = false;

  /** Opens a store. */
  constructor(given: ConnectionOptions) {
    const { binding, url, options, driver, notify, models, environment } = given;
    // The native side holds this map only, so that a dropped connection can be garbage-collected.
    const waiters = new Map<number, Waiter>();
    const done = (settled: string): void => {
      for (const { operation, answer } of JSON.parse(settled) as readonly Settled[]) {
        const waiter = waiters.get(operation);
        waiters.delete(operation);
        waiter?.resolve(answer);
      }
    };
    const opened = resultOf(
      parseAnswer<Opened>(binding.open(url, options, driver === undefined ? done : undefined)),
    );
    this.identity = opened.identity ?? given.identity ?? identityOf(driver?.store ?? this);
    this.capabilities = opened.capabilities;
    this.retention = opened.retention;
    this.#handle = opened.handle;
    this.binding = binding;
    this.#driver = driver;
    this.#notify = notify;
    this.#environment = environment ?? SYSTEM;
    this.#waiters = waiters;
    this.opening = opened.opening === undefined ? undefined : this.#wait(opened.opening);
    if (typeof models === "function") this.#models = this.#modelFunction(models);
  }

  /** Whether the connection is closed or closing. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Performs an operation and returns its result. */
  perform<N extends OperationName>(name: N, make: () => Params<N>): Result<N> {
    this.#assertUsable();
    let givenParams: unknown;
    const params = encodeMade(name, () => {
      givenParams = make();
      return givenParams;
    });
    const inquiry = this.#models?.begin();
    if (inquiry === undefined) return this.#attempt(name, params);
    const taskIds = inquiry.prepare(name, givenParams);
    try {
      if (taskIds.length > 0) this.perform("slots", () => ({ taskIds }));
    } catch {
      // Errors of the tasks or the store are reported by the operation itself.
    }
    for (;;) {
      try {
        const result = this.#attempt(name, params);
        if (!inquiry.shouldRetryAfterResult(result)) return result;
      } catch (thrown) {
        if (!inquiry.shouldRetryAfterError(thrown)) throw thrown;
      }
    }
  }

  #attempt<N extends OperationName>(name: N, params: string): Result<N> {
    const now = this.#environment.now();
    const entropy = this.#environment.entropy();
    if (this.#driver === undefined) {
      return this.#finish(parseAnswer(this.binding.call(this.#handle, name, params, now, entropy)));
    }
    return this.#driveSync(
      this.#driver,
      parseAnswer(this.binding.start(this.#handle, name, params, now, entropy)),
    );
  }

  /** Performs an operation asynchronously. `owner` stays alive until it ends. */
  performAsync<N extends OperationName>(
    owner: object,
    name: N,
    make: () => Params<N>,
  ): Promise<Result<N>> {
    try {
      this.#assertUsable();
      let ids: readonly string[] = [];
      let givenParams: unknown;
      const params = encodeMade(name, () => {
        const params = make();
        ids = idsOf(params);
        givenParams = params;
        return params;
      });
      const now = this.#environment.now();
      const entropy = this.#environment.entropy();
      const start = (): Answer<Result<N>> =>
        parseAnswer(this.binding.start(this.#handle, name, params, now, entropy));
      const driver = this.#driver;
      const inquiry = this.#models?.begin();
      const taskIds = inquiry?.prepare(name, givenParams) ?? [];
      const lookup =
        taskIds.length > 0 ? this.performAsync(owner, "slots", () => ({ taskIds })) : undefined;
      if (driver !== undefined) {
        const attempt = (): Promise<Result<N>> => this.#drive(driver, start());
        const begin =
          inquiry === undefined ? attempt : () => this.#retryForModels(inquiry, attempt, lookup);
        return this.#track(
          owner,
          OPERATIONS[name] === "write" ? this.#inOrder(ids, begin) : begin(),
        );
      }
      if (inquiry !== undefined) {
        const attempt = (): Result<N> | Promise<Result<N>> => {
          const answer = start();
          return "wait" in answer ? this.#wait(answer.wait) : this.#finish(answer);
        };
        return this.#track(owner, this.#retryForModels(inquiry, attempt, lookup));
      }
      const answer = start();
      if (!("wait" in answer)) return Promise.resolve(this.#finish(answer));
      return this.#track(owner, this.#wait(answer.wait));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Replaces the available models; `null` if they are unknown. */
  setModels(models: Models | null): void {
    this.#assertUsable();
    const source = typeof models === "function" ? this.#modelFunction(models) : undefined;
    this.#sendModels(source === undefined ? models : []);
    this.#models = source;
  }

  #modelFunction(isAvailable: (model: string) => boolean): ModelFunction {
    return new ModelFunction(isAvailable, (names) => this.#sendModels(names));
  }

  #sendModels(models: unknown): void {
    const params = encode("setModels", { models });
    resultOf(parseAnswer<null>(this.binding.setModels(this.#handle, params)));
  }

  /** Refuses further operations, waits for the pending ones, and closes the store. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending.keys());
    resultOf(parseAnswer<null>(this.binding.close(this.#handle)));
    const outcome = await this.#driver?.close();
    if (outcome?.kind === "error") throw storeNotClosed("failed", outcome.thrown);
    if (outcome?.kind === "timeout") throw storeNotClosed("did not answer");
  }

  /**
   * Closes the store synchronously, for a connection that never has pending operations between
   * calls.
   */
  closeSync(): void {
    if (this.#driver?.isCalling) throw storeReentered();
    this.#closed = true;
    resultOf(parseAnswer<null>(this.binding.close(this.#handle)));
    const outcome = this.#driver?.closeSync();
    if (outcome?.kind === "error") throw storeNotClosed("failed", outcome.thrown);
  }

  /** Closes the store of a connection that is no longer referenced, and ignores errors. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.binding.close(this.#handle);
    void this.#driver?.close();
  }

  #assertUsable(): void {
    if (this.#closed) throw closed();
    if (this.#driver?.isCalling) throw storeReentered();
  }

  /**
   * Completes an operation: passes on its notifications, and returns its result or throws its
   * error.
   */
  #finish<T>(answer: Answer<T>, cause?: unknown): T {
    const value = resultOf(answer, cause);
    if ("notices" in answer && answer.notices) answer.notices.forEach(this.#notify);
    return value;
  }

  /**
   * Performs an operation, again while it reports models missing that are available. The first
   * attempt is synchronous, unless it has to wait for `lookup`.
   */
  async #retryForModels<T>(
    inquiry: ModelInquiry,
    attempt: () => T | Promise<T>,
    lookup: Promise<unknown> | undefined,
  ): Promise<T> {
    // Errors of the lookup are reported by the operation itself.
    if (lookup !== undefined) await lookup.catch(() => {});
    for (;;) {
      try {
        const result = await attempt();
        if (!inquiry.shouldRetryAfterResult(result)) return result;
      } catch (thrown) {
        if (!inquiry.shouldRetryAfterError(thrown)) throw thrown;
      }
    }
  }

  async #drive<T>(driver: StoreDriver, started: Answer<T>): Promise<T> {
    let answer = started;
    let cause: unknown;
    // Over a synchronous store the operation completes before the caller gets the promise.
    while ("need" in answer) {
      const { operation } = answer.need;
      const asked = driver.ask(answer.need);
      const outcome = asked instanceof Promise ? await asked : asked;
      cause = outcome.kind === "error" ? outcome.thrown : undefined;
      answer = parseAnswer<T>(
        outcome.kind === "timeout"
          ? this.binding.cancel(this.#handle, operation)
          : this.binding.resume(this.#handle, operation, outcome.text),
      );
    }
    return this.#finish(answer, cause);
  }

  #driveSync<T>(driver: StoreDriver, started: Answer<T>): T {
    let answer = started;
    let cause: unknown;
    while ("need" in answer) {
      const { operation } = answer.need;
      const outcome = driver.askSync(answer.need);
      if (outcome === undefined || outcome.kind === "timeout") {
        this.binding.cancel(this.#handle, operation);
        throw storeIsAsync();
      }
      cause = outcome.kind === "error" ? outcome.thrown : undefined;
      answer = parseAnswer<T>(this.binding.resume(this.#handle, operation, outcome.text));
    }
    return this.#finish(answer, cause);
  }

  #wait<T>(operation: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (answer: FinalAnswer<unknown>): void => {
        try {
          resolve(this.#finish(answer as FinalAnswer<T>));
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.#waiters.set(operation, { resolve: settle });
    });
  }

  /**
   * Performs the writes to a session in the order of their calls. Over an asynchronous store a
   * later write would otherwise overtake an earlier one that is retried.
   */
  #inOrder<T>(ids: readonly string[], begin: () => Promise<T>): Promise<T> {
    const before = ids.flatMap((id) => this.#lastWrites.get(id) ?? []);
    const turn = before.length === 0 ? begin() : Promise.allSettled(before).then(begin);
    for (const id of ids) this.#lastWrites.set(id, turn);
    const leave = (): void => {
      for (const id of ids) if (this.#lastWrites.get(id) === turn) this.#lastWrites.delete(id);
    };
    turn.then(leave, leave);
    return turn;
  }

  #track<T>(owner: object, promise: Promise<T>): Promise<T> {
    this.#pending.set(promise, owner);
    const leave = (): void => {
      this.#pending.delete(promise);
    };
    promise.then(leave, leave);
    return promise;
  }
}

/** The numbers of stores and connections that have no other identity. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** What identifies an object. */
function identityOf(object: object): string {
  let number = numbers.get(object);
  if (number === undefined) {
    lastNumber += 1;
    number = lastNumber;
    numbers.set(object, number);
  }
  return `object:${number}`;
}

/** The ids of the sessions that a call writes to. */
function idsOf(params: object): readonly string[] {
  const id = "id" in params ? params.id : undefined;
  const ids = "ids" in params && Array.isArray(params.ids) ? (params.ids as unknown[]) : [];
  return [id, ...ids].filter((id) => typeof id === "string");
}

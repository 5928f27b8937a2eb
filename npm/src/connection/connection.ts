/**
 * One opened store: carries operations to the core and brings their results back, synchronously or
 * not, over stores of either build and over stores that are written in JavaScript. It knows nothing
 * about what the operations do; which operations there are, and what they take, is in
 * `generated.ts`.
 *
 * @module
 */

import type { RetentionPlan } from "../builds/binding.js";
import {
  type Answer,
  type Binding,
  type FinalAnswer,
  type Opened,
  parseAnswer,
  resultOf,
  type Settled,
} from "../builds/binding.js";
import { type Capabilities, OPERATIONS } from "../generated.js";
import type { Store } from "../stores/store.js";
import { closed, storeIsAsync, storeNotClosed, storeReentered } from "../values/error.js";
import type { OperationName, Params, Result } from "./call.js";
import { encode, encodeMade } from "./encode.js";
import { AskedModels, type ModelInquiry, type Models } from "./models.js";
import type { StoreDriver } from "./store-driver.js";

/** Someone who waits for an answer of a store's thread. */
interface Waiter {
  readonly resolve: (answer: FinalAnswer<unknown>) => void;
}

/** What the core needs from outside with every call. */
export interface Environment {
  /** The present, in milliseconds since 1970. */
  now(): number;
  /** Random bits as 32 hexadecimal digits, used once; the build's own where there are none. */
  entropy(): string | undefined;
}

const ACTUAL: Environment = { now: () => Date.now(), entropy: () => undefined };

/** What a connection is opened with. */
export interface ConnectionOptions {
  /** The build to use. */
  readonly binding: Binding;
  /** The URL of the store; `host:` for a store in JavaScript. */
  readonly url: string;
  /** The core's options as JSON. */
  readonly options: string;
  /** The store, where it is in JavaScript. */
  readonly host: StoreDriver | undefined;
  /** Told of every change that the outside world is to hear of, by the text of its payload. */
  readonly notify: (payload: string) => void;
  /** Which models there are, where the options do not say it to the core. */
  readonly models?: Models | undefined;
  /** The clock and the random bits; the actual ones unless others are given. */
  readonly environment?: Environment | undefined;
}

/** An opened store. */
export class Connection {
  /** What the store can do. */
  readonly capabilities: Capabilities;
  /** What tells its store from others, as far as it can be told: a URL, or the store itself. */
  readonly place: string | Store;
  /** How to clean up by itself, if at all. */
  readonly retention: RetentionPlan | undefined;
  readonly #binding: Binding;
  readonly #handle: number;
  readonly #host: StoreDriver | undefined;
  readonly #notify: (payload: string) => void;
  readonly #environment: Environment;
  readonly #waiters: Map<number, Waiter>;
  /** Where a function says which models there are. */
  #models: AskedModels | undefined;
  /** Operations under way, and what must stay alive until they end. */
  readonly #underWay = new Map<Promise<unknown>, object>();
  /** The last write to each session that is under way over a store in JavaScript. */
  readonly #lanes = new Map<string, Promise<unknown>>();
  #closed = false;

  /** Opens a store. */
  constructor({ binding, url, options, host, notify, models, environment }: ConnectionOptions) {
    // Only this map is held by the native side, so that a dropped connection can be collected.
    const waiters = new Map<number, Waiter>();
    const done = (settled: string): void => {
      for (const { operation, answer } of JSON.parse(settled) as readonly Settled[]) {
        const waiter = waiters.get(operation);
        waiters.delete(operation);
        waiter?.resolve(answer);
      }
    };
    const opened = resultOf(
      parseAnswer<Opened>(binding.open(url, options, host === undefined ? done : undefined)),
    );
    this.place = host?.store ?? url;
    this.capabilities = opened.capabilities;
    this.retention = opened.retention;
    this.#handle = opened.handle;
    this.#binding = binding;
    this.#host = host;
    this.#notify = notify;
    this.#environment = environment ?? ACTUAL;
    this.#waiters = waiters;
    if (typeof models === "function") this.#models = this.#asking(models);
  }

  /** Whether it was closed, or is being closed. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Performs an operation and returns its result. */
  perform<N extends OperationName>(name: N, make: () => Params<N>): Result<N> {
    this.#check();
    let made: unknown;
    const params = encodeMade(name, () => {
      made = make();
      return made;
    });
    const inquiry = this.#models?.begin();
    if (inquiry === undefined) return this.#performOnce(name, params);
    const taskIds = inquiry.prepare(name, made);
    try {
      if (taskIds.length > 0) this.perform("slots", () => ({ taskIds }));
    } catch {
      // What is wrong with the tasks, or with the store, is for the operation itself to say.
    }
    for (;;) {
      try {
        const result = this.#performOnce(name, params);
        if (!inquiry.isAnsweredInVain(result)) return result;
      } catch (thrown) {
        if (!inquiry.isRefusedInVain(thrown)) throw thrown;
      }
    }
  }

  #performOnce<N extends OperationName>(name: N, params: string): Result<N> {
    const now = this.#environment.now();
    const entropy = this.#environment.entropy();
    if (this.#host === undefined) {
      return this.#finish(
        parseAnswer(this.#binding.call(this.#handle, name, params, now, entropy)),
      );
    }
    return this.#driveSync(
      this.#host,
      parseAnswer(this.#binding.start(this.#handle, name, params, now, entropy)),
    );
  }

  /** Performs an operation and promises its result. `owner` stays alive until then. */
  promise<N extends OperationName>(
    owner: object,
    name: N,
    make: () => Params<N>,
  ): Promise<Result<N>> {
    try {
      this.#check();
      let ids: readonly string[] = [];
      let made: unknown;
      const params = encodeMade(name, () => {
        const params = make();
        ids = idsOf(params);
        made = params;
        return params;
      });
      const now = this.#environment.now();
      const entropy = this.#environment.entropy();
      const start = (): Answer<Result<N>> =>
        parseAnswer(this.#binding.start(this.#handle, name, params, now, entropy));
      const host = this.#host;
      const inquiry = this.#models?.begin();
      const taskIds = inquiry?.prepare(name, made) ?? [];
      const looked =
        taskIds.length > 0 ? this.promise(owner, "slots", () => ({ taskIds })) : undefined;
      if (host !== undefined) {
        const once = (): Promise<Result<N>> => this.#drive(host, start());
        const begin = inquiry === undefined ? once : () => this.#inquire(inquiry, once, looked);
        return this.#keep(owner, OPERATIONS[name] === "write" ? this.#inTurn(ids, begin) : begin());
      }
      if (inquiry !== undefined) {
        const once = (): Result<N> | Promise<Result<N>> => {
          const answer = start();
          return "wait" in answer ? this.#wait(answer.wait) : this.#finish(answer);
        };
        return this.#keep(owner, this.#inquire(inquiry, once, looked));
      }
      const answer = start();
      if (!("wait" in answer)) return Promise.resolve(this.#finish(answer));
      return this.#keep(owner, this.#wait(answer.wait));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Says anew which models there are; `null` where that is not known. */
  setModels(models: Models | null): void {
    this.#check();
    const asked = typeof models === "function" ? this.#asking(models) : undefined;
    this.#tellModels(asked === undefined ? models : []);
    this.#models = asked;
  }

  #asking(isThere: (model: string) => boolean): AskedModels {
    return new AskedModels(isThere, (names) => this.#tellModels(names));
  }

  #tellModels(models: unknown): void {
    const params = encode("setModels", { models });
    resultOf(parseAnswer<null>(this.#binding.setModels(this.#handle, params)));
  }

  /** Takes no more operations, lets those under way come to their end, and closes the store. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.keys());
    resultOf(parseAnswer<null>(this.#binding.close(this.#handle)));
    const outcome = await this.#host?.close();
    if (outcome?.kind === "error") throw storeNotClosed("failed", outcome.thrown);
    if (outcome?.kind === "silence") throw storeNotClosed("did not answer");
  }

  /** Closes the store of a connection that never has operations under way between calls. */
  closeSync(): void {
    if (this.#host?.isCalling) throw storeReentered();
    this.#closed = true;
    resultOf(parseAnswer<null>(this.#binding.close(this.#handle)));
    const outcome = this.#host?.closeSync();
    if (outcome?.kind === "error") throw storeNotClosed("failed", outcome.thrown);
  }

  /** Closes the store of a connection that nobody has any more: nobody is there to tell. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#binding.close(this.#handle);
    void this.#host?.close();
  }

  #check(): void {
    if (this.#closed) throw closed();
    if (this.#host?.isCalling) throw storeReentered();
  }

  /** What a final answer comes to: the notices are passed on, an error is thrown. */
  #finish<T>(answer: Answer<T>, cause?: unknown): T {
    const value = resultOf(answer, cause);
    if ("notices" in answer && answer.notices) answer.notices.forEach(this.#notify);
    return value;
  }

  /**
   * Performs an operation until no model that is there is missing to it. The first time is at once,
   * unless something has to be `looked` up before.
   */
  async #inquire<T>(
    inquiry: ModelInquiry,
    once: () => T | Promise<T>,
    looked: Promise<unknown> | undefined,
  ): Promise<T> {
    // What is wrong with that look is for the operation itself to say.
    if (looked !== undefined) await looked.catch(() => {});
    for (;;) {
      try {
        const result = await once();
        if (!inquiry.isAnsweredInVain(result)) return result;
      } catch (thrown) {
        if (!inquiry.isRefusedInVain(thrown)) throw thrown;
      }
    }
  }

  async #drive<T>(host: StoreDriver, begun: Answer<T>): Promise<T> {
    let answer = begun;
    let cause: unknown;
    // A store that answers at once is driven to the end before the caller gets the promise.
    while ("need" in answer) {
      const { operation } = answer.need;
      const asked = host.ask(answer.need);
      const outcome = asked instanceof Promise ? await asked : asked;
      cause = outcome.kind === "error" ? outcome.thrown : undefined;
      answer = parseAnswer<T>(
        outcome.kind === "silence"
          ? this.#binding.cancel(this.#handle, operation)
          : this.#binding.resume(this.#handle, operation, outcome.text),
      );
    }
    return this.#finish(answer, cause);
  }

  #driveSync<T>(host: StoreDriver, begun: Answer<T>): T {
    let answer = begun;
    let cause: unknown;
    while ("need" in answer) {
      const { operation } = answer.need;
      const outcome = host.askSync(answer.need);
      if (outcome === undefined || outcome.kind === "silence") {
        this.#binding.cancel(this.#handle, operation);
        throw storeIsAsync();
      }
      cause = outcome.kind === "error" ? outcome.thrown : undefined;
      answer = parseAnswer<T>(this.#binding.resume(this.#handle, operation, outcome.text));
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
   * Lets the writes to one session, or to many, happen in the order of their calls: over a store that
   * answers late, the second would otherwise overtake the first whenever the first has to ask again.
   */
  #inTurn<T>(ids: readonly string[], begin: () => Promise<T>): Promise<T> {
    const before = ids.flatMap((id) => this.#lanes.get(id) ?? []);
    const turn = before.length === 0 ? begin() : Promise.allSettled(before).then(begin);
    for (const id of ids) this.#lanes.set(id, turn);
    const leave = (): void => {
      for (const id of ids) if (this.#lanes.get(id) === turn) this.#lanes.delete(id);
    };
    turn.then(leave, leave);
    return turn;
  }

  #keep<T>(owner: object, promise: Promise<T>): Promise<T> {
    this.#underWay.set(promise, owner);
    const leave = (): void => {
      this.#underWay.delete(promise);
    };
    promise.then(leave, leave);
    return promise;
  }
}

/** The sessions that a call names, as far as it names any. */
function idsOf(params: object): readonly string[] {
  const id = "id" in params ? params.id : undefined;
  const ids = "ids" in params && Array.isArray(params.ids) ? (params.ids as unknown[]) : [];
  return [id, ...ids].filter((id) => typeof id === "string");
}

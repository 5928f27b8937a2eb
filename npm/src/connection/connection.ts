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
  type Delivered,
  type EndAnswer,
  type HeadBytes,
  type JobNews,
  type MetricsFormat,
  type Opened,
  parseAnswer,
  resultOf,
  type Served,
} from "../builds/binding.js";
import {
  type Capabilities,
  OPERATIONS,
  type RetentionParams,
  type WebhookDelivered,
} from "../generated.js";
import type { ArchiveAt, ArchiveBatch } from "../jobs/archive.js";
import { bytesOf } from "../values/bytes.js";
import {
  archiveNeedsAddon,
  cannotServe,
  closed,
  invalidArgument,
  jobsNeedAddon,
  messageOf,
  metricsNeedAddon,
  readingNeedsAddon,
  storeIsAsync,
  storeNotClosed,
  storeReentered,
} from "../values/error.js";
import type { Schemas } from "../values/schema.js";
import { fetchPost, type PostText } from "../webhooks/post.js";
import type { OperationName, Params, Result } from "./call.js";
import { ClientCalls } from "./client-calls.js";
import { encode, encodeMade } from "./encode.js";
import {
  ModelAnswers,
  type ModelFunction,
  type Models,
  modelFunctionOf,
  modelOptions,
  noAnswers,
} from "./models.js";
import { continued, type StoreDriver } from "./store-driver.js";
import { endingWith, startOperation, type Tracer } from "./tracing.js";
import { WriteOrder } from "./write-order.js";

/** A promise that an answer of a store's thread resolves. */
interface Waiter {
  readonly resolve: (answer: EndAnswer<unknown>) => void;
}

/** What takes the news of a job. */
interface NewsOfJob {
  take?: (news: JobNews) => void;
}

/** Starts an operation: at first without answers, and again with those to its questions. */
type Start<T> = (answers?: string) => Answer<T>;

/** The clock and the random bits that the core takes with every call. */
export interface Environment {
  /** The current time, in milliseconds since 1970. */
  now(): number;
  /** Random bits as 32 hexadecimal digits, used once; `undefined` to use those of the build. */
  entropy(): string | undefined;
}

/** How often a watch looks for changes of other processes. The check reads no data of sessions. */
const POLL_MS = 75;

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
   * The available models. Lists of names are among the core's options; a function answers the
   * core's questions.
   */
  readonly models?: Models | undefined;
  /**
   * How often a watch looks for changes of other handles, in milliseconds, where the store is shared.
   */
  readonly pollMs?: number | undefined;
  /** Notices changes of other handles sooner than watches look for them. Returns a function that ends it. */
  readonly follow?: ((wake: () => void) => () => void) | undefined;
  /**
   * Whether the operations run on a server. Writes to a session may overtake each other, unless each waits
   * for the one before, and every call says which models are available.
   */
  readonly isRemote?: boolean | undefined;
  /** How the runtime posts; by default with `fetch`. */
  readonly postText?: PostText | undefined;
  /** Checks contexts and the data of events before they reach the core. */
  readonly schemas?: Schemas | undefined;
  /** Makes a span for each operation. */
  readonly tracer?: Tracer | undefined;
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
  /** Whether every write is refused. */
  readonly isReadOnly: boolean;
  /** How the runtime posts. */
  readonly postText: PostText;
  /** How often a watch looks for changes of other handles, in milliseconds. */
  readonly pollMs: number | undefined;
  /** Settles when an asynchronous native store is open; `undefined` if the store is open. */
  readonly opening: Promise<null> | undefined;
  readonly #handle: number;
  readonly #driver: StoreDriver | undefined;
  readonly #notify: (payload: string) => void;
  readonly #schemas: Schemas | undefined;
  readonly #environment: Environment;
  readonly #tracer: Tracer | undefined;
  readonly #waiters: Map<number, Waiter>;
  readonly #news: NewsOfJob;
  /** The available models, if they are known. */
  #known: Models | undefined;
  /** The available models that the server knows. */
  readonly #knownByServer: readonly string[] | undefined;
  /** Set if a function decides which models are available. */
  #models: ModelFunction | undefined;
  /** Pending operations, and the objects that must stay alive until they end. */
  readonly #pending = new Map<Promise<unknown>, object>();
  /** Called when something may have changed in the store. */
  readonly #watchers = new Set<() => void>();
  readonly #follow: ((wake: () => void) => () => void) | undefined;
  /** Ends `follow`, which runs while there are watchers. */
  #unfollow: (() => void) | undefined;
  readonly #isRemote: boolean;
  /** Whether the store performs operations in the order of their calls. */
  readonly #isOrdered: boolean;
  /** The pending writes, over a store that does not. */
  readonly #writes = new WriteOrder();
  #closed = false;
  /** Whether the store is closed. */
  #ended = false;

  /** Opens a store. */
  constructor(given: ConnectionOptions) {
    const { binding, url, options, driver, notify, models, schemas, environment } = given;
    // The native side holds these only, so that a dropped connection can be garbage-collected.
    const waiters = new Map<number, Waiter>();
    const news: NewsOfJob = {};
    const done = driver === undefined ? delivery(waiters, undefined, news) : undefined;
    const opened = resultOf(parseAnswer<Opened>(binding.open(url, options, done)));
    this.identity = opened.identity ?? given.identity ?? identityOf(driver?.store ?? this);
    this.capabilities = opened.capabilities;
    this.pollMs = opened.capabilities.shared ? (given.pollMs ?? POLL_MS) : undefined;
    this.retention = opened.retention;
    this.isReadOnly = opened.readOnly === true;
    this.postText = given.postText ?? fetchPost;
    this.#handle = opened.handle;
    this.binding = binding;
    this.#driver = driver;
    this.#follow = given.follow;
    this.#isRemote = given.isRemote === true;
    // A native store that has to be waited for is asynchronous.
    this.#isOrdered = driver === undefined && !this.#isRemote && opened.opening === undefined;
    this.#notify = notify;
    this.#schemas = schemas;
    this.#environment = environment ?? SYSTEM;
    this.#tracer = given.tracer;
    this.#waiters = waiters;
    this.#news = news;
    this.opening = opened.opening === undefined ? undefined : this.#opened(opened.opening);
    this.#knownByServer = opened.models;
    this.#known = models ?? opened.models;
    this.#models = modelFunctionOf(models, this.#isRemote);
  }

  /** Whether the connection is closed or closing. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether the store is closed, so that nothing can be read from it. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** The available models, if they are known: those that this handle was given, or else a server. */
  get models(): Models | undefined {
    return this.#known;
  }

  /** Performs an operation and returns its result. */
  perform<N extends OperationName>(name: N, make: () => Params<N>): Result<N> {
    this.#assertUsable();
    const params = encodeMade(name, make);
    this.#schemas?.checkNow(name, params);
    const now = this.#now();
    const entropy = this.#environment.entropy();
    const binding = this.binding;
    const start: Start<Result<N>> = (answers) =>
      parseAnswer(
        this.#driver === undefined
          ? binding.call(this.#handle, name, params, now, entropy, answers)
          : binding.start(this.#handle, name, params, now, entropy, answers),
      );
    try {
      return this.#runSync(start, this.#models);
    } finally {
      this.#performed(name);
    }
  }

  /**
   * Performs an operation asynchronously. `owner` stays alive until it ends. What belongs to closing may
   * still run `whileClosing`.
   */
  performAsync<N extends OperationName>(
    owner: object,
    name: N,
    make: () => Params<N>,
    whileClosing = false,
  ): Promise<Result<N>> {
    if (this.#tracer === undefined) return this.#start(owner, name, make, whileClosing);
    const span = startOperation(this.#tracer, name);
    return endingWith(span, this.#start(owner, name, make, whileClosing, span.traceparent));
  }

  #start<N extends OperationName>(
    owner: object,
    name: N,
    make: () => Params<N>,
    whileClosing: boolean,
    trace?: string,
  ): Promise<Result<N>> {
    try {
      this.#assertUsable(whileClosing);
      let ids: readonly string[] = [];
      let readsNewest = false;
      const params = encodeMade(name, () => {
        const params = make();
        ids = idsOf(params);
        readsNewest = name === "changesSince" && !hasPosition(params);
        return params;
      });
      const checked = this.#schemas?.check(name, params);
      const now = this.#now();
      const entropy = this.#environment.entropy();
      const start: Start<Result<N>> = (answers) =>
        parseAnswer(this.binding.start(this.#handle, name, params, now, entropy, answers, trace));
      const models = this.#models;
      if (this.#isOrdered && models === undefined && checked === undefined) {
        const answer = start();
        if (!("wait" in answer)) {
          const result = Promise.resolve(this.#finish(answer));
          this.#performed(name);
          return result;
        }
        return this.#track(owner, name, this.#run(answer, start, models));
      }
      const asked = models !== undefined && this.#isRemote ? noAnswers(models) : undefined;
      const run = (): Promise<Result<N>> => this.#run(start(asked), start, models);
      const begin = checked === undefined ? run : (): Promise<Result<N>> => checked.then(run);
      const result = OPERATIONS[name] === "read" ? begin() : this.#writes.run(ids, begin);
      if (readsNewest) this.#writes.follow(result);
      return this.#track(owner, name, result);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Reads a page of heads with its bytes as they are. `owner` stays alive until it ends. */
  async heads(owner: object, params: Params<"heads">): Promise<HeadBytes> {
    const { binding } = this;
    if (binding.heads === undefined) {
      const page = await this.performAsync(owner, "heads", () => params);
      return { ...page, bytes: bytesOf(page.bytes) };
    }
    this.#assertUsable();
    return this.#track(owner, "heads", binding.heads(encode("heads", params)));
  }

  /** Whether the build counts operations. */
  get countsOperations(): boolean {
    return this.binding.ownMetrics !== undefined;
  }

  /** What the handle has counted, as the parameters of `metrics`. */
  ownMetrics(): Params<"metrics"> {
    const own = this.binding.ownMetrics?.(this.#handle);
    return own === undefined ? {} : resultOf(parseAnswer<Params<"metrics">>(own));
  }

  /** What there is to record, as the parameters of `metricsRecord`. */
  metricsToRecord(ended: boolean): Params<"metricsRecord"> | undefined {
    const own = this.binding.metricsToRecord?.(this.#handle, ended);
    if (own === undefined) return undefined;
    return resultOf(parseAnswer<Params<"metricsRecord"> | null>(own)) ?? undefined;
  }

  /** Takes the reply of `metricsRecord`. */
  metricsRecorded(reply: Result<"metricsRecord">): void {
    const taken = this.binding.metricsRecorded?.(this.#handle, JSON.stringify(reply));
    if (taken !== undefined) resultOf(parseAnswer<null>(taken));
  }

  /** Counts what was measured here. What is not counted is no reason to fail. */
  reportMetrics(report: object): void {
    if (!this.#ended) this.binding.reportMetrics?.(this.#handle, JSON.stringify(report));
  }

  /** The text of metrics. */
  metricsText(metrics: Result<"metrics">, format: MetricsFormat): string {
    const text = this.binding.metricsText?.(JSON.stringify(metrics), format);
    if (text === undefined) throw metricsNeedAddon();
    return resultOf(parseAnswer<string>(text));
  }

  /** Begins a batch in an archive. */
  openArchive(url: string, compress: boolean): ArchiveBatch {
    const { binding } = this;
    const handle = this.#handle;
    const { openArchive, addToArchive, finishArchive } = binding;
    const isNative = this.#driver === undefined && openArchive && addToArchive && finishArchive;
    if (!isNative) throw archiveNeedsAddon();
    const archive = resultOf(parseAnswer<number>(openArchive(handle, url, compress)));
    return {
      add: async (part) => {
        await this.#settled<null>(addToArchive(handle, archive, JSON.stringify(part)));
      },
      finish: () => this.#settled(finishArchive(handle, archive, Date.now())),
      close: () => binding.closeArchive?.(handle, archive),
    };
  }

  /** Reads an archive, with the keys of the store. */
  async readArchive<T>(url: string, method: "list" | "get" | "verify", params: object): Promise<T> {
    this.#assertUsable();
    const { readArchive } = this.binding;
    if (this.#driver !== undefined || readArchive === undefined) throw readingNeedsAddon();
    return this.#settled(readArchive(this.#handle, url, method, encode(method, params)));
  }

  /** Loads heads into a mirror. Returns how many they are. */
  loadHeads(bytes: Uint8Array): number {
    this.#assertUsable();
    return resultOf(parseAnswer<number>(this.binding.loadHeads(this.#handle, bytes)));
  }

  /** Replaces the available models; `null` if they are unknown. */
  setModels(models: Models | null): void {
    this.#assertUsable();
    const source = modelFunctionOf(models, this.#isRemote);
    const params = encode("setModels", modelOptions(models));
    resultOf(parseAnswer<null>(this.binding.setModels(this.#handle, params)));
    this.#models = source;
    this.#known = models ?? this.#knownByServer;
  }

  /** Refuses further operations, waits for the pending ones and then for `last`, and closes the store. */
  async close(last: () => Promise<void>): Promise<void> {
    this.#closed = true;
    this.wake();
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending.keys());
    await last();
    this.#ended = true;
    this.#stopFollowing();
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
    this.#ended = true;
    this.wake();
    resultOf(parseAnswer<null>(this.binding.close(this.#handle)));
    const outcome = this.#driver?.closeSync();
    if (outcome?.kind === "error") throw storeNotClosed("failed", outcome.thrown);
  }

  /** Closes the store of a connection that is no longer referenced, and ignores errors. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#stopFollowing();
    this.binding.close(this.#handle);
    void this.#driver?.close();
  }

  /** Calls `wake` when something may have changed in the store. Returns a function that ends it. */
  onChange(wake: () => void): () => void {
    this.#watchers.add(wake);
    this.#unfollow ??= this.#follow?.(() => this.wake());
    return () => {
      this.#watchers.delete(wake);
      if (this.#watchers.size === 0) this.#stopFollowing();
    };
  }

  /** Something may have changed in the store. */
  wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  /** Serves the store over HTTP. */
  serve(options: object): Served & { readonly closed: Promise<null> } {
    this.#assertUsable();
    const { binding } = this;
    if (binding.serve === undefined) throw cannotServe();
    const all = encode("options", { ...options, page: binding.page });
    const text = binding.serve(this.#handle, all, this.#serving());
    const served = resultOf(parseAnswer<Served>(text));
    return { ...served, closed: this.#opened(served.closing) };
  }

  /** Starts to close a server. Its promise `closed` resolves when it is closed. */
  closeServer(server: number): void {
    const text = this.binding.closeServer?.(this.#handle, server);
    if (text !== undefined) resultOf(parseAnswer<null>(text));
  }

  /**
   * Has a thread of the addon deliver webhooks. Returns whether it does: only over a native store.
   */
  deliver(params: object): boolean {
    const { binding } = this;
    if (this.#driver !== undefined || this.#isRemote || binding.deliver === undefined) return false;
    const text = binding.deliver(this.#handle, encode("webhookDeliver", params));
    resultOf(parseAnswer<null>(text));
    return true;
  }

  /** What the thread has delivered so far. It looks for more. */
  delivered(): WebhookDelivered | null {
    const text = this.binding.delivered?.(this.#handle);
    return text === undefined ? null : resultOf(parseAnswer<WebhookDelivered | null>(text));
  }

  /** Stops the thread. Resolves when what is in flight is settled. */
  async endDelivery(): Promise<void> {
    const text = this.binding.endDelivery?.(this.#handle);
    const answer = text === undefined ? undefined : parseAnswer<null>(text);
    if (answer !== undefined && "wait" in answer) await this.#opened(answer.wait);
  }

  /** Has a thread of the addon run a job at its schedule, over a native store. `take` gets its news. */
  schedule(params: object, archive: ArchiveAt | undefined, take: (news: JobNews) => void): void {
    const { binding } = this;
    if (this.#driver !== undefined || binding.schedule === undefined) throw jobsNeedAddon();
    this.#news.take = take;
    const json = encode("jobs", params);
    const compress = archive?.compress ?? false;
    resultOf(parseAnswer<null>(binding.schedule(this.#handle, json, archive?.url, compress)));
  }

  /** Stops the job. Resolves when the step that it performs has ended. */
  async endSchedule(): Promise<void> {
    const text = this.binding.endSchedule?.(this.#handle);
    if (text !== undefined) await this.#settled<null>(text);
  }

  /** What a server over a JavaScript store delivers its clients' calls to. */
  #serving(): ((delivered: string) => void) | undefined {
    if (this.#driver === undefined) return undefined;
    const performed = (name: OperationName): void => this.#performed(name);
    const calls = new ClientCalls(this.binding, this.#handle, this.#driver, performed);
    return delivery(this.#waiters, calls);
  }

  #stopFollowing(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  #performed(name: OperationName): void {
    if (this.#watchers.size > 0 && OPERATIONS[name] !== "read") this.wake();
  }

  /** The current time. The program may have replaced the clock. */
  #now(): number {
    try {
      return this.#environment.now();
    } catch (thrown) {
      throw invalidArgument("now", `the clock failed: ${messageOf(thrown)}`, thrown);
    }
  }

  #assertUsable(whileClosing = false): void {
    if (whileClosing ? this.#ended : this.#closed) throw closed();
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

  /** Runs an operation, which has returned `answer`, to its end. `start` starts it again. */
  async #run<T>(
    started: Answer<T>,
    start: Start<T>,
    models: ModelFunction | undefined,
  ): Promise<T> {
    let answer = started;
    let cause: unknown;
    let answers: ModelAnswers | undefined;
    // What needs no promise completes before the caller gets one.
    for (;;) {
      if ("need" in answer && this.#driver !== undefined) {
        const { operation } = answer.need;
        const asked = this.#driver.ask(answer.need);
        const outcome = asked instanceof Promise ? await asked : asked;
        cause = outcome.kind === "error" ? outcome.thrown : undefined;
        answer = parseAnswer<T>(continued(this.binding, this.#handle, operation, outcome));
      } else if ("wait" in answer) {
        answer = (await this.#wait(answer.wait)) as EndAnswer<T>;
      } else if ("ask" in answer) {
        answers ??= new ModelAnswers(models);
        answer = start(answers.answer(answer.ask));
      } else {
        return this.#finish(answer, cause);
      }
    }
  }

  /** As `#run`, synchronously. */
  #runSync<T>(start: Start<T>, models: ModelFunction | undefined): T {
    let answer = start();
    let cause: unknown;
    let answers: ModelAnswers | undefined;
    for (;;) {
      if ("need" in answer && this.#driver !== undefined) {
        const { operation } = answer.need;
        const outcome = this.#driver.askSync(answer.need);
        if (outcome === undefined || outcome.kind === "timeout") {
          this.binding.cancel(this.#handle, operation);
          throw storeIsAsync();
        }
        cause = outcome.kind === "error" ? outcome.thrown : undefined;
        answer = parseAnswer<T>(this.binding.resume(this.#handle, operation, outcome.text));
      } else if ("ask" in answer) {
        answers ??= new ModelAnswers(models);
        answer = start(answers.answer(answer.ask));
      } else {
        return this.#finish(answer, cause);
      }
    }
  }

  /** The result of what another thread of the build may end. */
  async #settled<T>(text: string): Promise<T> {
    const answer = parseAnswer<T>(text);
    if (!("wait" in answer)) return resultOf(answer);
    return resultOf((await this.#wait(answer.wait)) as EndAnswer<T>);
  }

  async #opened(operation: number): Promise<null> {
    return this.#finish((await this.#wait(operation)) as EndAnswer<null>);
  }

  #wait(operation: number): Promise<EndAnswer<unknown>> {
    return new Promise((resolve) => {
      this.#waiters.set(operation, { resolve });
    });
  }

  #track<T>(owner: object, name: OperationName, promise: Promise<T>): Promise<T> {
    this.#pending.set(promise, owner);
    const leave = (): void => {
      this.#pending.delete(promise);
      this.#performed(name);
    };
    promise.then(leave, leave);
    return promise;
  }
}

/** What a build delivers to: the answers go to those who wait, the calls of clients to `calls`, and those of jobs to `news`. */
function delivery(
  waiters: Map<number, Waiter>,
  calls?: ClientCalls,
  news?: NewsOfJob,
): (delivered: string) => void {
  return (delivered) => {
    for (const item of JSON.parse(delivered) as readonly Delivered[]) {
      if ("news" in item) {
        news?.take?.(item.news);
        continue;
      }
      if ("call" in item) {
        calls?.add(item);
        continue;
      }
      const waiter = waiters.get(item.operation);
      waiters.delete(item.operation);
      waiter?.resolve(item.answer);
    }
  };
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

/** Whether a call reads the changes after a position, and not only the newest one. */
function hasPosition(params: object): boolean {
  return "position" in params && typeof params.position === "number";
}

/** The ids of the sessions that a call writes to. */
function idsOf(params: object): readonly string[] {
  const id = "id" in params ? params.id : undefined;
  const ids = "ids" in params && Array.isArray(params.ids) ? (params.ids as unknown[]) : [];
  return [id, ...ids].filter((id) => typeof id === "string");
}

/**
 * The boundary to the Rust core, the same for both builds: a few functions over numbered handles
 * that take and return JSON text. Nothing else crosses it.
 *
 * @module
 */

import type {
  Capabilities,
  HeadsPage,
  JobAlert,
  JobReport,
  JobRetry,
  Operations,
  PurgeProgress,
  RetentionParams,
} from "../generated.js";
import type { SleepRequest, StoreRequest } from "../stores/store.js";
import {
  type ErrorBody,
  internalError,
  messageOf,
  TenureError,
  tooLargeError,
} from "../values/error.js";
import { suggesting } from "../values/options.js";
import type { PostText } from "../webhooks/post.js";
import type { Posting } from "../webhooks/posts.js";

/**
 * The exports of the native addon and of the WebAssembly module. Every returned text is an
 * {@link Answer}.
 */
export interface Binding {
  /** `ok` is a {@link BuildInfo}. */
  info(): string;
  /** Whether the memory of WebAssembly has room for this many bytes. The native build has no limit. */
  hasRoom?(bytes: number): boolean;
  /** Opens a store; `ok` is an {@link Opened}. Only the native build takes `done`. */
  open(url: string, options: string, done?: (settled: string) => void): string;
  /**
   * Performs an operation over a synchronous store. `entropy`, 32 hexadecimal digits, replaces the
   * random bits that the build would draw itself. `answers` are those to the questions with which
   * the operation has ended before. `trace` is the position in a distributed trace; the native build stores it.
   */
  call(
    handle: number,
    operation: string,
    params: string,
    now: number,
    entropy?: string,
    answers?: string,
    trace?: string,
  ): string;
  /** Starts an operation over any store. */
  start(
    handle: number,
    operation: string,
    params: string,
    now: number,
    entropy?: string,
    answers?: string,
    trace?: string,
  ): string;
  /** Resumes an operation with the reply of a JavaScript store. */
  resume(handle: number, operation: number, reply: string): string;
  /** Cancels an operation that waits for a JavaScript store. */
  cancel(handle: number, operation: number): string;
  /**
   * Sets the available models for later calls: `{models}`, `null` if they are unknown, or
   * `{askModels: true}` if operations have to ask.
   */
  setModels(handle: number, params: string): string;
  /**
   * Whether the `stored` version meets the precondition of a change: a kind, with its version. `NaN`
   * stands for none. Nothing if the parameters are invalid.
   */
  allows(kind: string, version: number, stored: number): boolean | null | undefined;
  /**
   * The first and the last sequence number of a part of a history, or an empty list. The part is a
   * kind, with its count or sequence number as `value`, and its limit. Nothing if the parameters
   * are invalid.
   */
  rangeOf(
    kind: string,
    value: number,
    limit: number,
    eventCount: number,
  ): ArrayLike<number> | null | undefined;
  /** The properties of a head that hold user data, as paths, separated by spaces. */
  userData(): string;
  /** Reads a page of heads with its bytes as they are. Only a client of a server does. */
  heads?(params: string): Promise<HeadBytes>;
  /** Loads heads into a mirror; `ok` is how many they are. */
  loadHeads(handle: number, bytes: Uint8Array): string;
  /** What a handle has counted; `ok` are the parameters of `metrics`. Only the native build counts. */
  ownMetrics?(handle: number): string;
  /** What there is to record; `ok` are the parameters of `metricsRecord`, or `null` if there is nothing. */
  metricsToRecord?(handle: number, ended: boolean): string;
  /** Takes the reply of `metricsRecord`, as JSON. */
  metricsRecorded?(handle: number, reply: string): string;
  /** Counts what JavaScript has measured: `{slotWaited}` or `{job}`. */
  reportMetrics?(handle: number, report: string): string;
  /** The text of the reply of `metrics`, which is JSON. */
  metricsText?(reply: string, format: MetricsFormat): string;
  /** Reads the text of the metrics. Only a client of a server does. */
  scrape?(format: MetricsFormat): Promise<string>;
  /** Closes a handle. */
  close(handle: number): string;
  /** Begins a batch of a store's sessions in an archive; `ok` is its number. Only the native build has archives. */
  openArchive?(handle: number, address: string, compress: boolean): string;
  /** Adds an {@link ExportedPart} to a batch. The text is {@link Waits} or {@link Failed}. */
  addToArchive?(handle: number, archive: number, part: string): string;
  /** Ends a batch. The text is {@link Waits} or {@link Failed}. */
  finishArchive?(handle: number, archive: number, now: number): string;
  /** Drops a batch. */
  closeArchive?(handle: number, archive: number): string;
  /** Reads an archive: `list`, `get` or `verify`, with parameters as JSON. The text is {@link Waits} or {@link Failed}. */
  readArchive?(handle: number, address: string, method: string, params: string): string;
  /** Starts a job. The text is a {@link JobAnswer}. */
  startJob(name: string, params: string): string;
  /**
   * Continues a job with the reply to what it needed: `{ok}`, or `{error: {code, message, number}}`.
   * `elapsed` is the time since the job was started, in milliseconds of a monotonic clock.
   */
  resumeJob(job: number, reply: string, elapsed: number): string;
  /** Drops a job that waits for a reply. */
  cancelJob(job: number): string;
  /** Loads what runs jobs, where that takes time and is not done when a store is opened. */
  prepareJobs?(): Promise<void> | undefined;
  /** The folder of the web UI, if it is installed beside a native build. */
  readonly page?: string | undefined;
  /**
   * Serves the store of a handle over HTTP; `ok` is a {@link Served}. Only the native build does. Over a
   * JavaScript store it calls `deliver` with the text of a list of {@link Delivered}.
   */
  serve?(handle: number, options: string, deliver?: (delivered: string) => void): string;
  /** Starts a client's call over a JavaScript store. */
  startCall?(handle: number, server: number, call: number): string;
  /** Answers a client's call with the answer that has ended it. */
  answerCall?(server: number, call: number, answer: string): string;
  /** Closes a server. The operation `closing` ends when it is closed. */
  closeServer?(handle: number, server: number): string;
  /**
   * Delivers the webhooks of a native store, on a thread of its own, with the parameters of the job
   * `webhookDeliver`. It does not keep the process alive.
   */
  deliver?(handle: number, params: string): string;
  /** Looks for more to deliver; `ok` is the {@link WebhookDelivered} so far. */
  delivered?(handle: number): string;
  /** Stops to deliver. The operation ends when what is in flight is settled. */
  endDelivery?(handle: number): string;
  /**
   * Runs the job `scheduled` over a native store, on a thread of its own, with its parameters and the address of an
   * archive. It does not keep the process alive. What becomes of it goes to `done`, as {@link News}.
   */
  schedule?(handle: number, params: string, archive: string | undefined, compress: boolean): string;
  /** Stops the job. The operation ends when the job has. */
  endSchedule?(handle: number): string;
}

/** A format of metrics. */
export type MetricsFormat = "prometheus" | "openmetrics";

/** A page of heads with its bytes as they are. */
export interface HeadBytes extends Omit<HeadsPage, "bytes"> {
  readonly bytes: Uint8Array;
}

/** A server that was started. */
export interface Served {
  /** The number that identifies it. */
  readonly server: number;
  /** Its URL. */
  readonly url: string;
  /** Its token. */
  readonly token: string;
  /** The operation that ends when the server is closed. */
  readonly closing: number;
}

/** Information about a build. */
export interface BuildInfo {
  /** Which build it is. */
  readonly build: "native" | "wasm";
  /** Its version. */
  readonly version: string;
  /** The URL schemes of the stores that it can open. */
  readonly stores: readonly string[];
}

/** What serves a handle: a build, or a server. */
export type BuildName = BuildInfo["build"] | "server";

/** An opened store. */
export interface Opened {
  /** The number that identifies the store in every call. */
  readonly handle: number;
  /** What the store can do. */
  readonly capabilities: Capabilities;
  /** How to run retention, if the options ask for it. */
  readonly retention?: RetentionParams;
  /** The available models, if a server knows them and the handle does not. */
  readonly models?: readonly string[];
  /** Whether a server refuses every write. */
  readonly readOnly?: boolean;
  /** What two handles on this store have in common, if that is known. */
  readonly identity?: string;
  /** The operation that ends when an asynchronous native store is open. */
  readonly opening?: number;
}

/** The operation succeeded. */
export interface Succeeded<T> {
  /** Its result. */
  readonly ok: T;
  /** Notifications for listeners and webhooks; each is the text of a `WebhookPayload`. */
  readonly notices?: readonly string[];
}

/** The operation failed. */
export interface Failed {
  /** The error. */
  readonly error: ErrorBody;
}

/** The operation needs a call of a JavaScript store, or time to pass. */
export interface Needs {
  /** What it needs; `method` and `params` are a {@link StoreRequest} or a {@link SleepRequest}. */
  readonly need: (StoreRequest | SleepRequest) & { readonly operation: number };
}

/** A job ended with an error of the host. */
export interface Thrown {
  /** The number under which the host has passed the error to the core. */
  readonly thrown: number;
}

/** A part of an exported session. */
export interface ExportedPart {
  /** The id of the session. */
  readonly id: string;
  /** The version of the session. */
  readonly version: number;
  /** A part of the text that `export` returns. */
  readonly text: string;
  /** Whether it is the first part of the session. */
  readonly isFirst: boolean;
  /** Whether it is the last part of the session. */
  readonly isLast: boolean;
  /** Whether the session cannot be exported to its end. The former parts are no export then. */
  readonly isAborted: boolean;
}

/** What a job needs. `operation` is the number of the job. */
export type JobNeed = { readonly operation: number } & (
  | { readonly method: "open"; readonly params: { readonly store: "source" | "target" } }
  | {
      readonly method: "run";
      readonly params: {
        readonly store: "source" | "target";
        readonly operation: keyof Operations;
        readonly params: Operations[keyof Operations]["params"];
        /** The time within which the reply is of use, in milliseconds. */
        readonly withinMs?: number;
      };
    }
  | {
      readonly method: "export";
      readonly params: ExportedPart;
    }
  | { readonly method: "verify"; readonly params: unknown }
  | { readonly method: "readFile" | "readFolder"; readonly params: { readonly path: string } }
  | { readonly method: "sleep"; readonly params: { readonly ms: number } }
  | { readonly method: "post"; readonly params: Posting }
  | { readonly method: "attempt" | "progress"; readonly params: unknown }
);

/** The parsed answer about a job. */
export type JobAnswer = Succeeded<unknown> | Failed | Thrown | { readonly need: JobNeed };

/** A thread of the native build will deliver the answer through `done`. */
export interface Waits {
  /** The number of the operation. */
  readonly wait: number;
}

/** What an operation has to know before it does anything. */
export interface Questions {
  /** The names of the models that may be missing. */
  readonly models: readonly string[];
}

/** The operation has done nothing. It is started again with the answers. */
export interface Asks {
  /** What it asks. */
  readonly ask: Questions;
}

/** The parsed return value of a call of the binding. */
export type Answer<T> = EndAnswer<T> | Needs | Waits;

/** An answer that ends a run of the operation. */
export type EndAnswer<T> = Succeeded<T> | Failed | Asks;

/** An answer that was delivered through `done`. */
export interface Settled {
  /** The number from `wait`. */
  readonly operation: number;
  /** The answer. */
  readonly answer: EndAnswer<unknown>;
}

/** A call that a client makes of a server over a JavaScript store. */
export interface ClientCall {
  /** The number of the server. */
  readonly server: number;
  /** The number of the call. */
  readonly call: number;
  /** The operation that it calls. */
  readonly name: keyof Operations;
}

/** What becomes of a job that runs at a schedule: its progress, the report of a run, or an alert. */
export type JobNews =
  | { readonly progress: PurgeProgress }
  | { readonly retry: JobRetry }
  | { readonly report: JobReport }
  | { readonly alert: JobAlert };

/** What becomes of the job of a handle. */
export interface News {
  readonly news: JobNews;
}

/** What a build delivers from its other threads. */
export type Delivered = Settled | ClientCall | News;

/** Parses an answer. */
export function parseAnswer<T>(text: string): Answer<T> {
  return JSON.parse(text) as Answer<T>;
}

/** How every answer begins that says what an operation needs. */
const NEEDS = '{"need":';

/** What an operation needs, by its answer; `undefined` for an answer that ends it, whose text may be large. */
export function neededBy(answer: string): Needs["need"] | undefined {
  return answer.startsWith(NEEDS) ? (JSON.parse(answer) as Needs).need : undefined;
}

/**
 * Returns the result of a final answer, or throws its error. Errors of the core are thrown nowhere
 * else.
 */
export function resultOf<T>(answer: Answer<T>, cause?: unknown): T {
  if ("ok" in answer) return answer.ok;
  if ("error" in answer) throw new TenureError(suggesting(answer.error), cause);
  throw new TenureError(internalError("an answer that is not final"));
}

/** Texts up to this length are passed on without a question. */
const LARGE_TEXT = 1024 * 1024;
/** The bytes that a character may take: encoded, and once more for what is made of the text. */
const MEMORY_PER_CHARACTER = 4;

/**
 * Wraps a binding so that it never throws. With `"refuse"` it is not called again after an
 * exception: a panic in WebAssembly is a trap that leaves its memory inconsistent.
 */
function guarded(binding: Binding, afterThrow: "continue" | "refuse"): Binding {
  let refusal: string | undefined;
  // A text for which WebAssembly has no room would end it. `what` names the text.
  const guard = (
    call: () => string,
    what = "",
    text: { readonly length: number } = "",
    instead?: () => string,
  ): string => {
    if (refusal !== undefined) return refusal;
    try {
      const isLarge = text.length > LARGE_TEXT;
      if (isLarge && binding.hasRoom?.(text.length * MEMORY_PER_CHARACTER) === false) {
        instead?.();
        return JSON.stringify({ error: tooLargeError(what, text.length, LARGE_TEXT) });
      }
      return call();
    } catch (thrown) {
      const answer = JSON.stringify({
        error: internalError(`the core has failed: ${messageOf(thrown)}`),
      });
      if (afterThrow === "refuse") {
        const problem = `the core has failed (${messageOf(thrown)}) and takes no more calls`;
        refusal = JSON.stringify({ error: internalError(problem) });
      }
      return answer;
    }
  };
  return {
    info: () => guard(() => binding.info()),
    open: (url, options, done) => guard(() => binding.open(url, options, done)),
    call: (...args) => guard(() => binding.call(...args), args[1], args[2]),
    start: (...args) => guard(() => binding.start(...args), args[1], args[2]),
    resume: (handle, operation, reply) =>
      guard(
        () => binding.resume(handle, operation, reply),
        "the reply of the store",
        reply,
        () => binding.cancel(handle, operation),
      ),
    cancel: (handle, operation) => guard(() => binding.cancel(handle, operation)),
    setModels: (handle, params) => guard(() => binding.setModels(handle, params)),
    // These cannot panic.
    allows: (...args) => binding.allows(...args),
    rangeOf: (...args) => binding.rangeOf(...args),
    userData: () => binding.userData(),
    loadHeads: (...args) => guard(() => binding.loadHeads(...args), "the heads", args[1]),
    close: (handle) => guard(() => binding.close(handle)),
    startJob: (name, params) => guard(() => binding.startJob(name, params), name, params),
    resumeJob: (job, reply, elapsed) =>
      guard(
        () => binding.resumeJob(job, reply, elapsed),
        "the reply to a job",
        reply,
        () => binding.cancelJob(job),
      ),
    cancelJob: (job) => guard(() => binding.cancelJob(job)),
    page: binding.page,
    ...(binding.ownMetrics && {
      ownMetrics: (...args) => guard(() => binding.ownMetrics?.(...args) ?? "null"),
      metricsToRecord: (...args) => guard(() => binding.metricsToRecord?.(...args) ?? "null"),
      metricsRecorded: (...args) => guard(() => binding.metricsRecorded?.(...args) ?? "null"),
      reportMetrics: (...args) => guard(() => binding.reportMetrics?.(...args) ?? "null"),
      metricsText: (...args) => guard(() => binding.metricsText?.(...args) ?? "null"),
    }),
    ...(binding.openArchive && {
      openArchive: (...args) => guard(() => binding.openArchive?.(...args) ?? "null"),
      addToArchive: (...args) => guard(() => binding.addToArchive?.(...args) ?? "null"),
      finishArchive: (...args) => guard(() => binding.finishArchive?.(...args) ?? "null"),
      closeArchive: (...args) => guard(() => binding.closeArchive?.(...args) ?? "null"),
      readArchive: (...args) => guard(() => binding.readArchive?.(...args) ?? "null"),
    }),
    ...(binding.serve && {
      serve: (...args) => guard(() => binding.serve?.(...args) ?? "null"),
      startCall: (...args) => guard(() => binding.startCall?.(...args) ?? "null"),
      answerCall: (...args) => guard(() => binding.answerCall?.(...args) ?? "null"),
      closeServer: (handle, server) => guard(() => binding.closeServer?.(handle, server) ?? "null"),
    }),
    ...(binding.deliver && {
      deliver: (...args) => guard(() => binding.deliver?.(...args) ?? "null"),
      delivered: (handle) => guard(() => binding.delivered?.(handle) ?? "null"),
      endDelivery: (handle) => guard(() => binding.endDelivery?.(handle) ?? "null"),
    }),
    ...(binding.schedule && {
      schedule: (...args) => guard(() => binding.schedule?.(...args) ?? "null"),
      endSchedule: (handle) => guard(() => binding.endSchedule?.(handle) ?? "null"),
    }),
  };
}

/** A loaded build. */
export interface Build {
  /** Information about the build. */
  readonly info: BuildInfo;
  /** Its exports, wrapped so that they do not throw. */
  readonly binding: Binding;
  /** How the runtime posts; by default with `fetch`. */
  readonly postText?: PostText | undefined;
}

/** Creates a build from its exports. */
export function buildOf(
  exports: Binding,
  afterThrow: "continue" | "refuse",
  postText?: PostText,
): Build {
  const binding = guarded(exports, afterThrow);
  return { binding, postText, info: resultOf(parseAnswer<BuildInfo>(binding.info())) };
}

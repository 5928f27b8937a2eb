/**
 * A binding whose operations run on a server: each is one request. Jobs run here, in the core of a build,
 * which is loaded when the first one starts.
 *
 * @module
 */

import {
  type Binding,
  type HeadBytes,
  type MetricsFormat,
  parseAnswer,
  resultOf,
} from "../builds/binding.js";
import type { OperationName } from "../connection/call.js";
import {
  type Capabilities,
  type HeadsPage,
  OPERATIONS,
  type RetentionParams,
} from "../generated.js";
import { MAX_DELAY_MS } from "../runtime/timers.js";
import { bytesOf } from "../values/bytes.js";
import {
  type ErrorBody,
  internalError,
  messageOf,
  outcomeUnknownError,
  storeIsAsync,
  storeTimeoutError,
  storeUnavailableError,
  TenureError,
} from "../values/error.js";
import type { ServerAddress } from "./address.js";

/** The pauses before a request is repeated, in milliseconds. */
const PAUSES_MS = [100, 400];
/** The codes of connections that were refused, so that the server has got nothing. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** What a server is. */
export interface About {
  /** Its version. */
  readonly version: string;
  /** What its store can do. */
  readonly capabilities: Capabilities;
  /** Whether it refuses operations that write. */
  readonly readOnly: boolean;
  /** The available models, if it knows them. */
  readonly models?: readonly string[];
}

/** What a binding needs beside its server. */
export interface Builds {
  /** Loads the build that runs jobs. */
  readonly prepare: () => Promise<void> | undefined;
  /** Its binding, once it is loaded. */
  readonly binding: () => Binding;
}

/** The media type of bytes. */
const BYTES = "application/octet-stream";
/** What ends the line before the bytes of an answer. */
const LINE_END = "\n".charCodeAt(0);

/** The JSON text of an answer, and the bytes that come after it. */
interface ServerAnswer {
  readonly text: string;
  readonly bytes?: Uint8Array;
}

/** The outcome of a request. */
type Outcome =
  | ServerAnswer
  | {
      /** Why there is no answer. */
      readonly problem: string;
      /** Whether the server may have run the operation. */
      readonly mayHaveRun: boolean;
      /** Whether it may help to repeat the request. */
      readonly isPassing: boolean;
      /** Whether the time was over. */
      readonly isLate?: boolean;
    };

/** Runs operations on a server. It has one handle. */
export class ServerBinding implements Binding {
  readonly #address: ServerAddress;
  readonly #timeoutMs: number;
  readonly #builds: Builds;
  #about: About | undefined;
  #retention: RetentionParams | undefined;
  #done: ((settled: string) => void) | undefined;
  #lastOperation = 0;

  /** A binding for the server at an address. A request may take `timeoutMs`. */
  constructor(address: ServerAddress, timeoutMs: number, builds: Builds) {
    this.#address = address;
    this.#timeoutMs = Math.min(timeoutMs, MAX_DELAY_MS);
    this.#builds = builds;
  }

  /** The headers of every request. */
  get headers(): Readonly<Record<string, string>> {
    const { token } = this.#address;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** Asks the server what it is. `retention` is how to run retention over it. */
  async connect(retention: RetentionParams | undefined): Promise<void> {
    const { text } = await this.#repeated(() => this.#send("", undefined, {}), true, "connect");
    const answer = JSON.parse(text) as { readonly ok?: About; readonly error?: ErrorBody };
    if (answer.error !== undefined) throw new TenureError(answer.error);
    if (answer.ok?.capabilities === undefined) {
      const problem = `${this.#address.base} is no Tenure server`;
      throw new TenureError(storeUnavailableError(problem));
    }
    this.#about = answer.ok;
    this.#retention = retention;
  }

  /** See {@link Binding.info}. */
  info(): string {
    return this.#builds.binding().info();
  }

  /** See {@link Binding.open}. */
  open(_url: string, _options: string, done?: (settled: string) => void): string {
    this.#done = done;
    const opened = {
      handle: 1,
      capabilities: { ...this.#about?.capabilities, shared: true },
      retention: this.#retention,
      models: this.#about?.models,
      readOnly: this.#about?.readOnly,
      identity: this.#address.base,
    };
    return JSON.stringify({ ok: opened });
  }

  /** See {@link Binding.call}. */
  call(): string {
    const { code, message, details } = storeIsAsync();
    return JSON.stringify({ error: { code, message, details } });
  }

  /** See {@link Binding.start}. */
  start(
    _handle: number,
    name: OperationName,
    params: string,
    _now: number,
    _entropy?: string,
    answers?: string,
    trace?: string,
  ): string {
    this.#lastOperation += 1;
    const operation = this.#lastOperation;
    void this.#perform(name, params, answers, trace).then((answer) =>
      this.#done?.(`[{"operation":${operation},"answer":${answer}}]`),
    );
    return JSON.stringify({ wait: operation });
  }

  /** No operation waits for a store in JavaScript. */
  resume(): string {
    return this.cancel();
  }

  /** See {@link ServerBinding.resume}. */
  cancel(): string {
    return JSON.stringify({ ok: null });
  }

  /** Every call says which models are available. */
  setModels(): string {
    return this.cancel();
  }

  /** See {@link Binding.heads}. */
  async heads(params: string): Promise<HeadBytes> {
    const send = (): Promise<Outcome> => this.#send("heads", params, { accept: BYTES });
    const { text, bytes } = await this.#repeated(send, true, "heads");
    const page = resultOf(parseAnswer<HeadsPage>(text));
    return { ...page, bytes: bytes ?? bytesOf(page.bytes) };
  }

  /** See {@link Binding.scrape}. */
  async scrape(format: MetricsFormat): Promise<string> {
    const { base, token } = this.#address;
    const response = await fetch(`${base}/metrics`, {
      headers: {
        ...this.headers,
        accept: format === "openmetrics" ? "application/openmetrics-text" : "text/plain",
      },
      cache: "no-store",
      credentials: token === undefined ? "same-origin" : "omit",
      redirect: "error",
      signal: AbortSignal.timeout(this.#timeoutMs),
    }).catch((thrown: unknown) => {
      const problem = `${base} cannot be reached: ${reasonOf(thrown)}`;
      throw new TenureError(storeUnavailableError(problem));
    });
    const text = await response.text();
    if (response.ok) return text;
    const error = parsed(text)?.error;
    const problem = `${base} answered ${response.status}, and no answer of a Tenure server`;
    throw new TenureError(error ?? storeUnavailableError(problem));
  }

  /** No handle of a server is a mirror. */
  loadHeads(): string {
    return JSON.stringify({ error: internalError("the store is no mirror") });
  }

  /** See {@link Binding.close}. */
  close(): string {
    this.#done = undefined;
    return this.cancel();
  }

  /** See {@link Binding.allows}. */
  allows(...args: Parameters<Binding["allows"]>): ReturnType<Binding["allows"]> {
    return this.#builds.binding().allows(...args);
  }

  /** See {@link Binding.rangeOf}. */
  rangeOf(...args: Parameters<Binding["rangeOf"]>): ReturnType<Binding["rangeOf"]> {
    return this.#builds.binding().rangeOf(...args);
  }

  /** See {@link Binding.userData}. */
  userData(): string {
    return this.#builds.binding().userData();
  }

  /** See {@link Binding.prepareJobs}. */
  prepareJobs(): Promise<void> | undefined {
    return this.#builds.prepare();
  }

  /** See {@link Binding.startJob}. */
  startJob(name: string, params: string): string {
    return this.#builds.binding().startJob(name, params);
  }

  /** See {@link Binding.resumeJob}. */
  resumeJob(job: number, reply: string, elapsed: number): string {
    return this.#builds.binding().resumeJob(job, reply, elapsed);
  }

  /** See {@link Binding.cancelJob}. */
  cancelJob(job: number): string {
    return this.#builds.binding().cancelJob(job);
  }

  /** The answer to an operation, as JSON text. */
  async #perform(
    name: OperationName,
    params: string,
    answers?: string,
    trace?: string,
  ): Promise<string> {
    const isSafe = OPERATIONS[name] === "read" || hasIdempotencyKey(params);
    const headers: Record<string, string> = {
      ...(answers === undefined ? {} : { "tenure-models": inAscii(answers) }),
      ...(trace === undefined ? {} : { traceparent: trace }),
    };
    const answer = await this.#repeated(() => this.#send(name, params, headers), isSafe, name);
    return answer.text;
  }

  /** Repeats a request that had no effect or may have it twice, and returns its answer. */
  async #repeated(
    send: () => Promise<Outcome>,
    isSafe: boolean,
    name: string,
  ): Promise<ServerAnswer> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await send();
      if ("text" in outcome) return outcome;
      const pause = PAUSES_MS[attempt];
      const mayRepeat = outcome.isPassing && (isSafe || !outcome.mayHaveRun);
      if (mayRepeat && pause !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        continue;
      }
      return { text: JSON.stringify({ error: this.#errorOf(outcome, isSafe, name) }) };
    }
  }

  #errorOf(
    { problem, mayHaveRun, isLate }: Exclude<Outcome, { text: string }>,
    isSafe: boolean,
    name: string,
  ): ErrorBody {
    if (mayHaveRun && !isSafe) return outcomeUnknownError(problem);
    return isLate ? storeTimeoutError(name, this.#timeoutMs) : storeUnavailableError(problem);
  }

  /** Sends a request: an operation with its parameters, or a question about the server. */
  async #send(
    name: string,
    params: string | undefined,
    more: Readonly<Record<string, string>>,
  ): Promise<Outcome> {
    const { base, token } = this.#address;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.#timeoutMs);
    try {
      const response = await fetch(name === "" ? `${base}/v1` : `${base}/v1/${name}`, {
        method: params === undefined ? "GET" : "POST",
        headers: { ...this.headers, ...more, "content-type": "application/json" },
        ...(params === undefined ? {} : { body: params }),
        cache: "no-store",
        credentials: token === undefined ? "same-origin" : "omit",
        redirect: "error",
        signal: abort.signal,
      });
      if (response.headers.get("content-type") === BYTES) {
        return splitAtLine(new Uint8Array(await response.arrayBuffer()));
      }
      return outcomeOf(base, response.status, await response.text());
    } catch (thrown) {
      const isLate = abort.signal.aborted;
      const reason = isLate ? `no answer within ${this.#timeoutMs} ms` : reasonOf(thrown);
      return {
        problem: `${base} cannot be reached: ${reason}`,
        mayHaveRun: !NEVER_SENT.test(reason),
        isPassing: !isLate,
        isLate,
      };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The answer in a response of bytes. */
function splitAtLine(content: Uint8Array): ServerAnswer {
  const end = content.indexOf(LINE_END);
  const text = new TextDecoder().decode(content.subarray(0, end));
  return { text, bytes: content.subarray(end + 1) };
}

/** The outcome of a response. One of a proxy is no answer. */
function outcomeOf(base: string, status: number, text: string): Outcome {
  const answer = parsed(text);
  const code = answer?.error?.code;
  if (code === "SERVER_BUSY") {
    return { problem: `${base} is busy`, mayHaveRun: false, isPassing: true };
  }
  if (answer !== undefined) return { text };
  const isPassing = status >= 500;
  const problem = `${base} answered ${status}, and no answer of a Tenure server`;
  return { problem, mayHaveRun: isPassing, isPassing };
}

/** An answer of a server; `undefined` for what is none. */
function parsed(text: string): { readonly error?: ErrorBody } | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const isAnswer =
      typeof answer === "object" &&
      answer !== null &&
      ("ok" in answer || "ask" in answer || "error" in answer);
    return isAnswer ? (answer as { readonly error?: ErrorBody }) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a request has failed. The message of `fetch` itself says nothing. */
function reasonOf(thrown: unknown): string {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
  return messageOf(cause ?? thrown);
}

/** Whether a call may be repeated, since the server knows it by its key. */
function hasIdempotencyKey(params: string): boolean {
  if (!params.includes('"idempotencyKey"')) return false;
  const { idempotencyKey } = JSON.parse(params) as { readonly idempotencyKey?: unknown };
  return typeof idempotencyKey === "string";
}

/** JSON for a header, which has no other characters. */
function inAscii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

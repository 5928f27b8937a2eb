/**
 * Runs the jobs of the core: performs what a job needs and passes the reply to the core, until the
 * job ends. The core decides; nothing here knows what a job does. As long as nothing that is
 * performed returns a promise, a job runs synchronously.
 *
 * @module
 */

import {
  type Binding,
  type ExportedPart,
  type JobAnswer,
  type JobNeed,
  parseAnswer,
} from "../builds/binding.js";
import type { OperationName, Params } from "../connection/call.js";
import { encode } from "../connection/encode.js";
import type { Jobs } from "../generated.js";
import { startTimer } from "../runtime/timers.js";
import type { MaybePromise } from "../stores/store.js";
import {
  internalError,
  isTenureError,
  messageOf,
  notInTime,
  TenureError,
} from "../values/error.js";
import type { Accepts } from "../values/params.js";
import { isThenable, onRejected } from "../values/thenable.js";
import type { Ended, Posting } from "../webhooks/posts.js";

/** The name of a job. */
export type JobName = keyof Jobs;

/** A store of a job. */
export type Side = "source" | "target";

/** The reply to what a job needs: a value, or what was thrown. */
export type Reply = { readonly value: unknown } | { readonly thrown: unknown };

/** An exported session that is not durable, or is not what was exported. */
export interface NotVerified {
  /** The id of the session. */
  readonly id: string;
  /** The code of the error. */
  readonly code: string;
  /** The message of the error. */
  readonly message: string;
}

/** Performs what a job needs. What a job never needs may be absent. */
export interface JobHost {
  /** Opens a store. Returns what identifies it, if that is known. */
  open?(store: Side): MaybePromise<string | undefined>;
  /** Runs an operation over a store. */
  run?<N extends OperationName>(store: Side, name: N, params: Params<N>): MaybePromise<unknown>;
  /** Keeps a part of an exported session. */
  export?(part: ExportedPart): MaybePromise<void>;
  /** Makes what was exported durable. Returns what is not; nothing means that all is. */
  verify?(): MaybePromise<readonly NotVerified[] | undefined>;
  /** Reads a file. */
  readFile?(
    path: string,
  ): MaybePromise<{ readonly text: string; readonly modifiedAt: string | undefined }>;
  /** Reads the entries of a folder that are files or folders, and no links. */
  readFolder?(
    path: string,
  ): MaybePromise<readonly { readonly path: string; readonly isFolder: boolean }[]>;
  /** Posts texts, and waits for the end of a post. */
  post?(posting: Posting): MaybePromise<Ended>;
  /** Calls `wake` after a time. Returns a function that stops the timer. */
  sleep?(ms: number, wake: (reply: Reply) => void): () => void;
  /** Makes the call that the job is about. Returns the code of its outcome. */
  attempt?(): MaybePromise<string>;
  /**
   * Shows the progress. A promise that it returns is not waited for; if it rejects, the job fails as
   * if `progress` had thrown.
   */
  progress?(progress: unknown): unknown;
  /** Something that the job needed has failed. The job may continue. */
  failed?(thrown: unknown): void;
  /** The job has ended. */
  ended(end: Reply): void;
}

/** A running job. */
export class Job {
  readonly #binding: Binding;
  readonly #host: JobHost;
  readonly #began = performance.now();
  /** What was thrown last. The core names it by its number. */
  #thrown: { readonly number: number; readonly value: unknown } | undefined;
  #waiting: number | undefined;
  #stopTimer: (() => void) | undefined;
  #isStopped = false;
  /** What a promise of `progress` was rejected with. */
  #rejected: { readonly thrown: unknown } | undefined;

  private constructor(binding: Binding, host: JobHost) {
    this.#binding = binding;
    this.#host = host;
  }

  /** Starts a job. */
  static start<N extends JobName>(
    binding: Binding,
    name: N,
    params: Accepts<Jobs[N]["params"]>,
    host: JobHost,
  ): Job {
    const job = new Job(binding, host);
    job.#advance(parseAnswer(binding.startJob(name, encode(name, params))) as JobAnswer);
    return job;
  }

  /** Stops the job. It does not end. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer?.();
    if (this.#waiting !== undefined) this.#binding.cancelJob(this.#waiting);
  }

  /** Performs what the job needs, until that takes time or the job ends. */
  #advance(given: JobAnswer): void {
    let answer = given;
    while ("need" in answer) {
      const { need } = answer;
      this.#waiting = need.operation;
      let reply: Reply | undefined;
      let isWaiting = false;
      this.#perform(need, (late) => {
        if (isWaiting) this.#continue(need, late);
        else reply = late;
      });
      isWaiting = true;
      if (reply === undefined || this.#isStopped) return;
      answer = this.#resume(need, reply);
    }
    this.#waiting = undefined;
    this.#host.ended(this.#rejected ?? this.#endOf(answer));
  }

  #continue(need: JobNeed, reply: Reply): void {
    if (!this.#isStopped) this.#advance(this.#resume(need, reply));
  }

  #resume({ operation }: JobNeed, reply: Reply): JobAnswer {
    const text = this.#textOf(reply);
    const elapsed = performance.now() - this.#began;
    return parseAnswer(this.#binding.resumeJob(operation, text, elapsed)) as JobAnswer;
  }

  /** The text of a reply. A value that is no JSON is an error like any other. */
  #textOf(reply: Reply): string {
    if ("thrown" in reply) return this.#remember(reply.thrown);
    try {
      return JSON.stringify({ ok: reply.value ?? null });
    } catch (thrown) {
      return this.#remember(thrown);
    }
  }

  #remember(value: unknown): string {
    const number = (this.#thrown?.number ?? 0) + 1;
    this.#thrown = { number, value };
    this.#host.failed?.(value);
    return JSON.stringify({ error: { code: codeOf(value), message: messageOf(value), number } });
  }

  #endOf(answer: Exclude<JobAnswer, { need: JobNeed }>): Reply {
    if ("ok" in answer) return { value: answer.ok };
    if ("error" in answer) return { thrown: new TenureError(answer.error) };
    if (this.#thrown?.number === answer.thrown) return { thrown: this.#thrown.value };
    return { thrown: new TenureError(internalError("a job ended with an unknown error")) };
  }

  #perform(need: JobNeed, reply: (reply: Reply) => void): void {
    if (need.method === "sleep" && this.#host.sleep !== undefined) {
      this.#stopTimer = this.#host.sleep(need.params.ms, reply);
      return;
    }
    try {
      const result = this.#call(need);
      if (isThenable(result)) {
        result.then(
          (value) => reply({ value }),
          (thrown: unknown) => reply({ thrown }),
        );
      } else reply({ value: result });
    } catch (thrown) {
      reply({ thrown });
    }
  }

  #call(need: JobNeed): MaybePromise<unknown> {
    const host = this.#host;
    switch (need.method) {
      case "open":
        return host.open?.(need.params.store);
      case "run": {
        const { store, operation, params, withinMs } = need.params;
        const ran = host.run?.(store, operation, params);
        return isThenable(ran) && withinMs !== undefined ? within(ran, withinMs) : ran;
      }
      case "export":
        return done(host.export?.(need.params));
      case "verify":
        return host.verify?.();
      case "readFile":
        return host.readFile?.(need.params.path);
      case "readFolder":
        return host.readFolder?.(need.params.path);
      case "attempt":
        return host.attempt?.();
      case "post":
        return host.post?.(need.params);
      case "progress":
        if (this.#rejected !== undefined) throw this.#rejected.thrown;
        // What a callback of the caller returns is not part of the reply, and is not waited for.
        onRejected(host.progress?.(need.params), (thrown) => {
          this.#rejected ??= { thrown };
        });
        return undefined;
      case "sleep":
        return undefined;
    }
  }
}

/** Runs a job to its end. `host` needs no `ended`. */
export async function runJob<N extends JobName>(
  binding: Binding,
  name: N,
  params: Accepts<Jobs[N]["params"]>,
  host: Omit<JobHost, "ended">,
): Promise<Jobs[N]["result"]> {
  // Where nothing has to be loaded, the job starts before this returns.
  const preparing = binding.prepareJobs?.();
  if (preparing) await preparing;
  return new Promise((resolve, reject) => {
    const ended = (end: Reply): void => {
      if ("thrown" in end) reject(end.thrown);
      else resolve(end.value as Jobs[N]["result"]);
    };
    Job.start(binding, name, params, { ...host, ended });
  });
}

/** Rejects if a promise has not settled after a time. The timer does not keep the process alive. */
function within<T>(promise: PromiseLike<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = startTimer(ms, () => reject(notInTime(ms)), "background");
    promise.then(
      (value) => {
        stop();
        resolve(value);
      },
      (thrown: unknown) => {
        stop();
        reject(thrown);
      },
    );
  });
}

/** Waits for a callback of the caller, and drops what it returns. */
function done(result: MaybePromise<unknown>): MaybePromise<void> {
  if (!isThenable(result)) return undefined;
  return Promise.resolve(result).then(() => undefined);
}

/** The code of a thrown value. It may be any value, with getters that throw. */
function codeOf(thrown: unknown): string {
  try {
    if (isTenureError(thrown) && typeof thrown.code === "string") return thrown.code;
  } catch {
    // It has no code that can be read.
  }
  return "INTERNAL";
}

/**
 * A task that runs periodically, such as retention. Its timer never keeps a process alive. A failed
 * run is retried after one, five and fifteen minutes.
 *
 * @module
 */

import { MAX_DELAY_MS, unref } from "../runtime/timers.js";
import type { MaybePromise } from "../stores/store.js";

/** The longest delay of the first run, so that it also happens in processes that restart often. */
const MAX_FIRST_DELAY_MS = 60_000;
/** The delays of the retries after a failed run. */
const RETRY_DELAYS_MS = [60_000, 5 * 60_000, 15 * 60_000];

/** A task to run periodically. */
export interface Task {
  /** Runs the task once. Returns the error if it failed; `"stop"` stops the timer. */
  run(): MaybePromise<unknown> | "stop";
  /** Called with the error when all retries have failed as well. */
  onFailure(error: unknown): void;
}

/** Runs a task periodically until it is stopped. */
export class PeriodicTask {
  readonly #intervalMs: number;
  readonly #task: Task;
  #failures = 0;
  #isStopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts the timer. */
  constructor(intervalMs: number, task: Task) {
    this.#intervalMs = intervalMs;
    this.#task = task;
    this.#schedule(Math.min(intervalMs, MAX_FIRST_DELAY_MS));
  }

  /** Stops the timer. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    const part = Math.min(delayMs, MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      if (delayMs > part) this.#schedule(delayMs - part);
      else this.#run();
    }, part);
    unref(this.#timer);
  }

  #run(): void {
    const outcome = this.#task.run();
    if (outcome === "stop") return;
    if (outcome instanceof Promise) void outcome.then((error) => this.#onRun(error));
    else this.#onRun(outcome);
  }

  #onRun(error: unknown): void {
    if (this.#isStopped) return;
    const retryDelayMs = error === undefined ? undefined : RETRY_DELAYS_MS[this.#failures];
    if (retryDelayMs !== undefined) {
      this.#failures += 1;
      this.#schedule(Math.min(retryDelayMs, this.#intervalMs));
      return;
    }
    this.#failures = 0;
    if (error !== undefined) this.#task.onFailure(error);
    this.#schedule(this.#intervalMs);
  }
}

/**
 * Keeps a mirror as its store is: loads all sessions, and then those that change. It goes on after a
 * failure, from the last change that the mirror shows, or if that is not kept with all sessions again.
 *
 * @module
 */

import { notify } from "../events/listeners.js";
import type { Problem } from "../generated.js";
import { Backoff } from "../runtime/backoff.js";
import { startTimer } from "../runtime/timers.js";
import {
  aborted,
  asError,
  isTenureError,
  listenerFailed,
  type TenureError,
} from "../values/error.js";
import type { SessionTypes } from "../values/session-types.js";
import type { Sessions } from "./sessions.js";

/** The number of changed sessions that are read at a time. */
const IDS_PER_READ = 500;

/** The codes of errors after which the mirror has to load all sessions. */
const LOAD_AGAIN = ["LAGGED", "POSITION_EXPIRED", "CORRUPT_SESSION"] as const;

/** What is followed with: see the options of `openMirror`. */
export interface MirrorFollowing {
  readonly signal: AbortSignal;
  readonly onProgress?: ((loaded: number) => void) | undefined;
  readonly onChange?: ((ids: readonly string[]) => void) | undefined;
  readonly onProblems?: ((problems: readonly Problem[]) => void) | undefined;
  readonly onError?: ((error: TenureError) => void) | undefined;
}

/** The mirror that is followed for. */
export interface MirrorTarget {
  /** Loads heads in place of what is there. */
  load(bytes: Uint8Array): number;
  /** Begins to load all heads again. */
  reload(): Reload;
}

/** All heads, while they are loaded. */
export interface Reload {
  load(bytes: Uint8Array): number;
  /** Shows them in place of what was there. */
  show(): void;
  /** Drops them. */
  drop(): void;
}

/** Keeps a mirror as its store is. */
export class MirrorFollower<T extends SessionTypes> {
  readonly #sessions: Sessions<T>;
  readonly #mirror: MirrorTarget;
  readonly #options: MirrorFollowing;
  /** The position up to which the mirror shows all changes; `undefined` if all has to be loaded. */
  #position: number | undefined;
  /** Failures since the mirror was last as the store is. */
  #failures = 0;
  readonly #backoff = new Backoff();

  /** Follows nothing yet. */
  constructor(sessions: Sessions<T>, mirror: MirrorTarget, options: MirrorFollowing) {
    this.#sessions = sessions;
    this.#mirror = mirror;
    this.#options = options;
  }

  /** Loads all sessions. */
  async loadAll(): Promise<void> {
    const { signal, onProgress } = this.#options;
    const loading = this.#mirror.reload();
    try {
      let position: number | undefined;
      let cursor: string | undefined;
      let loaded = 0;
      do {
        if (signal.aborted) throw aborted(signal.reason);
        const page = await this.#sessions.headBytes({ cursor });
        if (signal.aborted) throw aborted(signal.reason);
        position ??= page.position;
        loaded += loading.load(page.bytes);
        cursor = page.nextCursor;
        this.#reportProblems(page.problems);
        this.#call("progress", onProgress, loaded);
      } while (cursor !== undefined);
      if (signal.aborted) throw aborted(signal.reason);
      loading.show();
      this.#position = position;
    } catch (thrown) {
      loading.drop();
      throw thrown;
    }
  }

  /** Follows the store until the handle is closed or the signal is aborted. It does not throw. */
  async follow(): Promise<void> {
    const { signal, onChange } = this.#options;
    if (!this.#sessions.capabilities.feed) return;
    while (!signal.aborted) {
      try {
        if (this.#position === undefined) {
          await this.loadAll();
          this.#succeeded();
          this.#call("change", onChange, []);
        }
        await this.#readChanges(this.#position);
        return;
      } catch (thrown) {
        if (signal.aborted || isTenureError(thrown, "CLOSED")) return;
        const isBehind = LOAD_AGAIN.some((code) => isTenureError(thrown, code));
        if (isBehind) this.#position = undefined;
        this.#failures += 1;
        // What was missed is loaded at once, and need not be reported.
        if (isBehind && this.#failures === 1) continue;
        if (this.#failures <= 2) this.#report(thrown);
        await this.#pause();
      }
    }
  }

  /** Reads the sessions that change, each as it is then: one that changes often is read less often. */
  async #readChanges(from: number | undefined): Promise<void> {
    const { signal, onChange } = this.#options;
    const watch = this.#sessions.watch({}, { from, signal, ifAway: "fail" });
    const changed = new Set<string>();
    let reading: Promise<void> | undefined;
    let failed: { readonly thrown: unknown } | undefined;
    let isOver = false;
    let taken = from;
    const read = async (): Promise<void> => {
      try {
        while (changed.size > 0) {
          const ids = [...changed].slice(0, IDS_PER_READ);
          for (const id of ids) changed.delete(id);
          const { bytes, unread, problems } = await this.#sessions.headBytes({ ids });
          for (const id of unread) changed.add(id);
          if (isOver || signal.aborted) return;
          this.#mirror.load(bytes);
          this.#succeeded();
          if (changed.size === 0) this.#position = taken;
          this.#reportProblems(problems);
          const shown = unread.length === 0 ? ids : ids.filter((id) => !unread.includes(id));
          this.#call("change", onChange, shown);
        }
      } catch (thrown) {
        failed = { thrown };
        void watch.return();
      } finally {
        reading = undefined;
      }
    };
    try {
      for await (const { position, kind, id } of watch) {
        taken = position;
        if (kind === "lease" || kind === "audit") continue;
        changed.add(id);
        reading ??= read();
      }
    } finally {
      // What is read from now on could be older than what is loaded next.
      isOver = true;
      await reading;
    }
    if (failed !== undefined) throw failed.thrown;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#backoff.reset();
  }

  #reportProblems(problems: readonly Problem[]): void {
    if (problems.length > 0) this.#call("problems", this.#options.onProblems, problems);
  }

  #report(thrown: unknown): void {
    const error = asError(thrown);
    const { onError } = this.#options;
    if (onError === undefined) {
      console.warn(`tenure: a mirror may be out of date: ${error.message}`);
      return;
    }
    notify(onError, error, (failure) => console.error(listenerFailed("error", failure)));
  }

  #call<V>(name: string, callback: ((value: V) => void) | undefined, value: V): void {
    if (callback === undefined) return;
    notify(callback, value, (thrown) => this.#report(listenerFailed(name, thrown)));
  }

  #pause(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        stop();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const stop = startTimer(this.#backoff.next(), end, "background");
      signal.addEventListener("abort", end);
    });
  }
}

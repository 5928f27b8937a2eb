/**
 * The job that copies sessions from one store to another. It moves data between the two in steps,
 * reports progress and can be aborted. The core decides what is copied, what exists already and
 * what differs.
 *
 * @module
 */

import type { OperationName, Params, Performer, Result } from "../connection/call.js";
import type { CopyDifference, Problem } from "../generated.js";
import { aborted } from "../values/error.js";

/** Options of a copy. */
export interface CopyOptions {
  /** Replace sessions that are newer or different in the target. */
  readonly overwrite?: boolean | undefined;
  /** Compare all data at the end; `true` by default. */
  readonly verify?: boolean | undefined;
  /** Called with the progress after each step. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Aborts the copy, which then rejects with `ABORTED`. Started again, it continues from there. */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of a copy. */
export interface CopyProgress {
  /** The phase: copying, or verifying the copied data. */
  readonly phase: "copy" | "verify";
  /** The sessions that were processed in this phase. */
  readonly sessions: number;
  /** The total number of sessions; approximate if the source changes meanwhile. */
  readonly of: number;
  /** The records that were processed in this phase. */
  readonly records: number;
  /** The size of the transferred data so far, in characters of JSON text. */
  readonly bytes: number;
}

/** The result of a copy. */
export interface CopyResult {
  /** The number of written sessions. */
  readonly sessions: number;
  /** The number of written records, such as idempotency keys. */
  readonly records: number;
  /** The number of sessions that existed in the target already. */
  readonly same: number;
  /** The size of the transferred data, in characters of JSON text. */
  readonly bytes: number;
  /** The number of sessions and records of the source that differ in the target at the end. */
  readonly differing: number;
  /**
   * The first 1,000 of these differences. A record whose session differs is not listed in addition.
   */
  readonly differences: readonly CopyDifference[];
  /**
   * The first 1,000 sessions of the source that cannot be read. Other sessions are not affected.
   */
  readonly problems: readonly Problem[];
}

/** The maximum number of differences and of problems in a result. */
const MAX_LISTED = 1000;

/** Copies all sessions of `source` into `target`. */
export function copySessions(
  source: Performer,
  target: Performer,
  options: CopyOptions,
): Promise<CopyResult> {
  return new CopyRun(source, target, options).run();
}

/** A running copy. */
class CopyRun {
  readonly #source: Performer;
  readonly #target: Performer;
  readonly #options: CopyOptions;
  readonly #differences = new Differences();
  readonly #problems = new Map<string, Problem>();
  readonly #written = { sessions: 0, records: 0, same: 0, bytes: 0 };
  #visited: { phase: CopyProgress["phase"]; sessions: number; records: number };
  #total = 0;

  constructor(source: Performer, target: Performer, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#visited = { phase: "copy", sessions: 0, records: 0 };
  }

  async run(): Promise<CopyResult> {
    const { onProgress, verify = true } = this.#options;
    if (onProgress)
      this.#total = (await this.#ask(this.#source, "stats", { trash: "include" })).total;
    await this.#visitPages(false, (page) => this.#copy(page));
    if (verify) {
      const previous = this.#differences.reset();
      this.#visited = { phase: "verify", sessions: 0, records: 0 };
      await this.#visitPages(true, async (page) => {
        const { differences } = await this.#ask(this.#target, "copyCompare", { page });
        this.#differences.add(differences, previous);
      });
    }
    return {
      ...this.#written,
      differing: this.#differences.count,
      differences: this.#differences.first,
      problems: [...this.#problems.values()],
    };
  }

  /** Visits all pages of the source. */
  async #visitPages(whole: boolean, visit: (page: string) => Promise<void>): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.#ask(this.#source, "copyPage", { after, whole });
      this.#report(page.problems);
      await visit(page.page);
      this.#visited.sessions += page.sessions;
      this.#visited.records += page.records;
      this.#progress();
      after = page.next;
    } while (after !== undefined);
  }

  async #copy(page: string): Promise<void> {
    const { overwrite = false } = this.#options;
    const compared = await this.#ask(this.#target, "copyCompare", { page, overwrite });
    this.#written.same += compared.same;
    this.#differences.add(compared.differences);
    let { wanted } = compared;
    while (wanted !== undefined) {
      const { chunk, rest, problems, differences } = await this.#ask(this.#source, "copyRead", {
        wanted,
      });
      this.#report(problems);
      this.#differences.add(differences);
      const written = await this.#ask(this.#target, "copyWrite", { chunk });
      this.#differences.add(written.differences);
      this.#written.sessions += written.sessions;
      this.#written.records += written.records;
      this.#written.bytes += chunk.length;
      wanted = rest;
      if (wanted !== undefined) this.#progress();
    }
  }

  async #ask<N extends OperationName>(
    store: Performer,
    name: N,
    params: Params<N>,
  ): Promise<Result<N>> {
    const { signal } = this.#options;
    // Yields to the event loop: over synchronous stores nothing else would run until the end.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (signal?.aborted) throw aborted(signal.reason);
    return store.perform(name, params);
  }

  #report(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (this.#problems.size < MAX_LISTED) this.#problems.set(problem.id, problem);
    }
  }

  #progress(): void {
    const { bytes } = this.#written;
    this.#options.onProgress?.({ ...this.#visited, of: this.#total, bytes });
  }
}

/** The differences: their number, and the first of them. */
class Differences {
  first: CopyDifference[] = [];
  count = 0;

  /** Resets the count. Returns the previous differences by their subject. */
  reset(): ReadonlyMap<string, CopyDifference> {
    const previous = new Map(this.first.map((one) => [`${one.what} ${one.key}`, one]));
    this.first = [];
    this.count = 0;
    return previous;
  }

  /** Adds differences. One that is in `previous` keeps its earlier description. */
  add(differences: readonly CopyDifference[], named?: ReadonlyMap<string, CopyDifference>): void {
    this.count += differences.length;
    const room = differences.slice(0, MAX_LISTED - this.first.length);
    this.first.push(...room.map((one) => named?.get(`${one.what} ${one.key}`) ?? one));
  }
}

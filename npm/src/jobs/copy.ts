/**
 * Copies sessions from one store to another. It goes back and forth between the two, a step at a
 * time, shows how far it has come and stops when it is told to; what is copied, what is there
 * already and what differs is decided in the core.
 *
 * @module
 */

import type { OperationName, Params, Performer, Result } from "../connection/call.js";
import type { CopyDifference, Problem } from "../generated.js";
import { aborted } from "../values/error.js";

/** How sessions are copied. */
export interface CopyOptions {
  /** Replace what is newer or different in the store that is copied to. */
  readonly overwrite?: boolean | undefined;
  /** Compare everything at the end; `true` by default. */
  readonly verify?: boolean | undefined;
  /** Told how far the copy has come, after each step. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Stops the copy, which then rejects with `ABORTED`. Started again, it goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a copy has come. */
export interface CopyProgress {
  /** Whether it copies, or compares what it has copied. */
  readonly phase: "copy" | "verify";
  /** Sessions that were looked at in this phase. */
  readonly sessions: number;
  /** How many there are; about, if the source changes meanwhile. */
  readonly of: number;
  /** Records that were looked at in this phase. */
  readonly records: number;
  /** The size of what was sent so far, as text. */
  readonly bytes: number;
}

/** What a copy has come to. */
export interface CopyResult {
  /** Sessions that were written. */
  readonly sessions: number;
  /** Records that were written: idempotency keys and the like. */
  readonly records: number;
  /** Sessions that were there already. */
  readonly same: number;
  /** The size of what was sent, as text. */
  readonly bytes: number;
  /** How many sessions and records of the source are not the same in the target at the end. */
  readonly differing: number;
  /** The first 1,000 of them. A record whose session differs is not named beside it. */
  readonly differences: readonly CopyDifference[];
  /** Sessions of the source that cannot be read, the first 1,000. They hide no others. */
  readonly problems: readonly Problem[];
}

/** How many differences and problems a result names. */
const MAX_NAMED = 1000;

/** Copies all sessions of `source` into `target`. */
export function copySessions(
  source: Performer,
  target: Performer,
  options: CopyOptions,
): Promise<CopyResult> {
  return new Copying(source, target, options).run();
}

/** A copy that is under way. */
class Copying {
  readonly #source: Performer;
  readonly #target: Performer;
  readonly #options: CopyOptions;
  readonly #differences = new Differences();
  readonly #problems = new Map<string, Problem>();
  readonly #written = { sessions: 0, records: 0, same: 0, bytes: 0 };
  #seen: { phase: CopyProgress["phase"]; sessions: number; records: number };
  #of = 0;

  constructor(source: Performer, target: Performer, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#seen = { phase: "copy", sessions: 0, records: 0 };
  }

  async run(): Promise<CopyResult> {
    const { onProgress, verify = true } = this.#options;
    if (onProgress) this.#of = (await this.#ask(this.#source, "stats", { trash: "include" })).total;
    await this.#pages(false, (page) => this.#copy(page));
    if (verify) {
      const seen = this.#differences.begin();
      this.#seen = { phase: "verify", sessions: 0, records: 0 };
      await this.#pages(true, async (page) => {
        const { differences } = await this.#ask(this.#target, "copyCompare", { page });
        this.#differences.add(differences, seen);
      });
    }
    return {
      ...this.#written,
      differing: this.#differences.count,
      differences: this.#differences.first,
      problems: [...this.#problems.values()],
    };
  }

  /** Goes through all that the source has, page by page. */
  async #pages(whole: boolean, visit: (page: string) => Promise<void>): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.#ask(this.#source, "copyPage", { after, whole });
      this.#report(page.problems);
      await visit(page.page);
      this.#seen.sessions += page.sessions;
      this.#seen.records += page.records;
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
    handle: Performer,
    name: N,
    params: Params<N>,
  ): Promise<Result<N>> {
    const { signal } = this.#options;
    // A store that answers at once would otherwise let nobody else run until the end.
    await new Promise((go) => setTimeout(go, 0));
    if (signal?.aborted) throw aborted(signal.reason);
    return handle.perform(name, params);
  }

  #report(problems: readonly Problem[]): void {
    for (const problem of problems) {
      if (this.#problems.size < MAX_NAMED) this.#problems.set(problem.id, problem);
    }
  }

  #progress(): void {
    const { bytes } = this.#written;
    this.#options.onProgress?.({ ...this.#seen, of: this.#of, bytes });
  }
}

/** What differs: counted, and the first of it named. */
class Differences {
  first: CopyDifference[] = [];
  count = 0;

  /** Counts anew. Returns what was named, by what it names. */
  begin(): ReadonlyMap<string, CopyDifference> {
    const named = new Map(this.first.map((one) => [`${one.what} ${one.key}`, one]));
    this.first = [];
    this.count = 0;
    return named;
  }

  /** Adds differences; those that were named before stay as they were named. */
  add(differences: readonly CopyDifference[], named?: ReadonlyMap<string, CopyDifference>): void {
    this.count += differences.length;
    const room = differences.slice(0, MAX_NAMED - this.first.length);
    this.first.push(...room.map((one) => named?.get(`${one.what} ${one.key}`) ?? one));
  }
}

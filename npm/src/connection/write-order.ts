/**
 * The order of a handle's writes to its sessions. A later write would otherwise overtake an earlier one that is
 * retried, over an asynchronous store or with other answers; or the read with which a watch begins, which
 * would miss it then.
 *
 * @module
 */

import { isTenureError, storeUnavailable, type TenureError } from "../values/error.js";

/** The codes of errors of a store that is away. */
const AWAY = ["STORE_UNAVAILABLE", "STORE_TIMEOUT", "OUTCOME_UNKNOWN"];
/** A failure that took so long in milliseconds was no passing one. */
const OUTAGE_MS = 1000;

/** A write, from its call to its end. */
interface Turn {
  readonly ended: Promise<unknown>;
  /** If it failed because the store was unavailable: the error, and how long it took. */
  outage?: { readonly error: TenureError; readonly tookMs: number };
}

/** The writes of a handle that have not ended. */
export class WriteOrder {
  /** The last one to each session. */
  readonly #last = new Map<string, Turn>();
  /** The reads of the newest position that have not ended. */
  readonly #positions = new Set<Turn>();

  /** Has the writes that begin later wait for a read of the newest position. */
  follow(read: Promise<unknown>): void {
    const turn: Turn = { ended: read };
    this.#positions.add(turn);
    const leave = (): void => void this.#positions.delete(turn);
    read.then(leave, leave);
  }

  /** Begins a write to these sessions when all earlier ones to them have ended. */
  run<T>(ids: readonly string[], begin: () => Promise<T>): Promise<T> {
    const before = [...this.#positions, ...ids.flatMap((id) => this.#last.get(id) ?? [])];
    const result = before.length === 0 ? begin() : waitingFor(before, begin);
    const called = performance.now();
    const turn: Turn = { ended: result };
    for (const id of ids) this.#last.set(id, turn);
    const leave = (): void => {
      for (const id of ids) if (this.#last.get(id) === turn) this.#last.delete(id);
    };
    result.then(leave, (error: unknown) => {
      if (isOutage(error)) turn.outage = { error, tookMs: performance.now() - called };
      leave();
    });
    return result;
  }
}

/**
 * Begins when earlier writes have ended. If one of them has failed to reach the store, and this one has waited for half
 * of that time or more, it fails, too: else writes that were called together would fail one after another, each after a
 * timeout of its own.
 */
async function waitingFor<T>(before: readonly Turn[], begin: () => Promise<T>): Promise<T> {
  const called = performance.now();
  await Promise.allSettled(before.map(({ ended }) => ended));
  const waitedMs = performance.now() - called;
  for (const { outage } of before) {
    if (outage !== undefined && outage.tookMs >= OUTAGE_MS && waitedMs >= outage.tookMs / 2) {
      const problem =
        "an earlier write to the same session waited for it until its timeout; nothing was written";
      throw storeUnavailable(problem, outage.error);
    }
  }
  return begin();
}

function isOutage(error: unknown): error is TenureError {
  return isTenureError(error) && AWAY.includes(error.code);
}

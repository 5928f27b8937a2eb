/**
 * How long something took, counted by lengths of time. It takes the same room however often it counts.
 *
 * @module
 */

/** How often something took how long. */
export interface Histogram {
  /**
   * How often it took `le` milliseconds or less. The last one, whose `le` is `"+Inf"`, counts
   * everything.
   */
  readonly buckets: readonly HistogramBucket[];
  /** How often it was measured. */
  readonly count: number;
  /** How long it took together, in milliseconds. */
  readonly sum: number;
}

/** How often something took so long or less. */
export interface HistogramBucket {
  /** The longest time that is counted, in milliseconds. */
  readonly le: number | "+Inf";
  /** How often. */
  readonly count: number;
}

/** The bounds of the buckets, in milliseconds. */
const BOUNDS = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000] as const;

/** Counts how long something takes. */
export class Stopwatches {
  readonly #counts: number[] = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  /** Counts one more that has taken so long, in milliseconds. */
  add(took: number): void {
    this.#count += 1;
    this.#sum += took;
    const bucket = BOUNDS.findIndex((bound) => took <= bound);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** What was counted so far. */
  read(): Histogram {
    let count = 0;
    const buckets: HistogramBucket[] = BOUNDS.map((le, index) => {
      count += this.#counts[index] ?? 0;
      return { le, count };
    });
    buckets.push({ le: "+Inf", count: this.#count });
    return { buckets, count: this.#count, sum: this.#sum };
  }
}

/**
 * Histograms of durations. Their size does not depend on the number of measurements.
 *
 * @module
 */

/** A histogram of durations. */
export interface Histogram {
  /**
   * Cumulative counts: the measurements of at most `le` milliseconds. The last bucket, with `le`
   * `"+Inf"`, counts all.
   */
  readonly buckets: readonly HistogramBucket[];
  /** The number of measurements. */
  readonly count: number;
  /** The sum of all durations, in milliseconds. */
  readonly sum: number;
}

/** A bucket of a histogram. */
export interface HistogramBucket {
  /** The upper bound of the bucket, in milliseconds. */
  readonly le: number | "+Inf";
  /** The number of measurements up to this bound. */
  readonly count: number;
}

/** The bounds of the buckets, in milliseconds. */
const BOUNDS = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000] as const;

/** Records durations in a histogram. */
export class DurationHistogram {
  readonly #counts: number[] = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  /** Adds a duration, in milliseconds. */
  add(durationMs: number): void {
    this.#count += 1;
    this.#sum += durationMs;
    const bucket = BOUNDS.findIndex((bound) => durationMs <= bound);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Returns the current histogram. */
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

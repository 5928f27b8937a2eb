// Histograms of given durations.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DurationHistogram } from "../../npm/dist/slots/histogram.js";

const length = fc.oneof(
  fc.double({ min: 0, max: 20_000, noNaN: true }),
  fc.constantFrom(0, 0.5, 1, 25, 50, 5000, 5000.1, Number.MAX_VALUE),
);

describe("durations", () => {
  it("are counted in each bucket whose bound they do not exceed", () => {
    fc.assert(
      fc.property(fc.array(length), (lengths) => {
        const counted = new DurationHistogram();
        for (const took of lengths) counted.add(took);
        const { buckets, count, sum } = counted.read();
        expect(count).toBe(lengths.length);
        expect(sum).toBe(lengths.reduce((sum, took) => sum + took, 0));
        for (const { le, count } of buckets) {
          const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : le;
          expect(count, `up to ${le} ms`).toBe(lengths.filter((took) => took <= bound).length);
        }
      }),
    );
  });

  it("that were read do not change when more are added", () => {
    const counted = new DurationHistogram();
    counted.add(1);
    const before = counted.read();
    counted.add(1);
    expect(before.count).toBe(1);
    expect(before.buckets.at(-1)).toEqual({ le: "+Inf", count: 1 });
  });
});

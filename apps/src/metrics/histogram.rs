//! Histograms of durations. Their size does not depend on the number of measurements, and two of them add up
//! exactly.

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets for calls, in microseconds. The bounds of a family never change, because the
/// stored counts are in their order.
pub const CALLS: &[u64] = &[
    500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000,
];
/// The upper bounds of the buckets for jobs, in microseconds: from 10 milliseconds to 6 hours.
pub const JOBS: &[u64] = &[
    10_000,
    100_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
    21_600_000_000,
];

/// The greatest count. JavaScript has it exactly, and the counts of all buckets add up.
pub(super) const MAX_COUNT: u64 = (1 << 53) - 1;
/// The greatest number of buckets. The families need fewer.
const MAX_BUCKETS: usize = 50;

/// A histogram of durations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "MetricsHistogram"))]
#[serde(rename_all = "camelCase")]
pub struct Histogram {
    /// The number of measurements in each bucket, and in the last one those above all bounds. Empty buckets at the
    /// end are left out.
    pub counts: Vec<u64>,
    /// The sum of all durations, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Adds a duration in microseconds.
    pub fn add(&mut self, bounds: &[u64], us: u64) {
        let bucket = bounds.partition_point(|bound| *bound < us);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// Adds the measurements of another histogram with the same bounds.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// The measurements that an earlier state of this histogram did not have.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bucket: usize| earlier.counts.get(bucket).copied().unwrap_or(0);
        let counts = self.counts.iter().enumerate();
        Self {
            counts: counts
                .map(|(bucket, count)| count.saturating_sub(before(bucket)))
                .collect(),
            sum_us: self.sum_us.saturating_sub(earlier.sum_us),
        }
    }

    /// The greatest of the numbers.
    pub(super) fn greatest(&self) -> u64 {
        let counts = self.counts.iter().copied();
        counts.chain([self.sum_us]).max().unwrap_or(0)
    }

    /// Bounds the number of buckets and their counts.
    pub(super) fn bound(&mut self) {
        self.counts.truncate(MAX_BUCKETS);
        for number in self.counts.iter_mut().chain([&mut self.sum_us]) {
            *number = (*number).min(MAX_COUNT);
        }
    }

    /// The number of measurements.
    pub fn count(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        durations.iter().for_each(|us| histogram.add(CALLS, *us));
        histogram
    }

    #[test]
    fn a_duration_at_a_bound_is_in_its_bucket() {
        for (place, bound) in CALLS.iter().enumerate() {
            assert_eq!(of(&[*bound]).counts.len(), place + 1, "{bound}");
            assert_eq!(of(&[bound + 1]).counts.len(), place + 2, "{bound}");
        }
        assert_eq!(of(&[0]).counts, [1]);
        assert_eq!(of(&[u64::MAX]).counts.len(), CALLS.len() + 1);
    }

    #[test]
    fn two_histograms_add_up_and_are_taken_apart_again() {
        let (few, many) = (vec![1, 400, 7_000_000], vec![3, 600, 20_000, 100_000_000]);
        let mut both = of(&few);
        both.merge(&of(&many));
        assert_eq!(both, of(&[few.clone(), many.clone()].concat()));
        assert_eq!(both.count(), 7);
        let rest = both.since(&of(&few));
        assert_eq!((rest.count(), rest.sum_us), (4, of(&many).sum_us));
        assert_eq!(rest.counts, of(&many).counts);
    }

    #[test]
    fn bounds_are_in_order() {
        for bounds in [CALLS, JOBS] {
            assert!(bounds.is_sorted_by(|a, b| a < b));
        }
    }
}

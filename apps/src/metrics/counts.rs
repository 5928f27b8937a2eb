//! What was counted, by family and by the values of its labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::families::{Family, Kind, SEPARATOR, find};
use super::histogram::Histogram;

/// The greatest number of combinations of labels of a family that a record may have. The families need fewer: this
/// bounds what a client may write.
const MAX_SERIES: usize = 2000;

/// A value for each combination of labels, whose values are joined by a slash, in each family.
type ByFamily<T> = BTreeMap<String, BTreeMap<String, T>>;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "MetricsCounts"))]
#[serde(default)]
pub struct Counts {
    /// The counters, by family and labels.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, Record<string, number>>"))]
    pub counters: ByFamily<u64>,
    /// The histograms, by family and labels.
    #[cfg_attr(
        feature = "ts",
        ts(type = "Record<string, Record<string, MetricsHistogram>>")
    )]
    pub histograms: ByFamily<Histogram>,
}

impl Counts {
    /// Adds to a counter.
    pub fn count(&mut self, family: &Family, labels: &[&str], number: u64) {
        let counter = entry(&mut self.counters, family.id, &key_of(labels));
        *counter = counter.saturating_add(number);
    }

    /// Adds a histogram.
    pub fn durations(&mut self, family: &Family, labels: &[&str], histogram: &Histogram) {
        entry(&mut self.histograms, family.id, &key_of(labels)).merge(histogram);
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (family, labels, number) in each(&other.counters) {
            let counter = entry(&mut self.counters, family, labels);
            *counter = counter.saturating_add(*number);
        }
        for (family, labels, histogram) in each(&other.histograms) {
            entry(&mut self.histograms, family, labels).merge(histogram);
        }
    }

    /// What an earlier state did not have.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = Self::default();
        for (family, labels, number) in each(&self.counters) {
            let before = find_in(&earlier.counters, family, labels).copied();
            *entry(&mut rest.counters, family, labels) = number.saturating_sub(before.unwrap_or(0));
        }
        for (family, labels, histogram) in each(&self.histograms) {
            *entry(&mut rest.histograms, family, labels) =
                match find_in(&earlier.histograms, family, labels) {
                    Some(before) => histogram.since(before),
                    None => histogram.clone(),
                };
        }
        rest
    }

    /// Whether these counts have no more families and labels, and no longer histograms, than Tenure has: only
    /// families that are known, with as many labels as they have. Newer versions may know more; theirs are dropped.
    #[must_use]
    pub fn checked(mut self) -> Self {
        let fits = |family: &Family, labels: &str| {
            let given = match labels {
                "" => 0,
                labels => labels.split(SEPARATOR).count(),
            };
            given == family.labels.len() && labels.bytes().all(is_plain)
        };
        self.counters
            .retain(|id, _| find(id).is_some_and(|family| family.kind == Kind::Counter));
        self.histograms.retain(|id, _| {
            find(id).is_some_and(|family| matches!(family.kind, Kind::Durations(_)))
        });
        for (id, series) in &mut self.counters {
            let family = find(id);
            series.retain(|labels, _| family.is_some_and(|family| fits(family, labels)));
            truncate(series);
        }
        for (id, series) in &mut self.histograms {
            let Some(family) = find(id) else { continue };
            let Kind::Durations(bounds) = family.kind else {
                continue;
            };
            series.retain(|labels, histogram| {
                fits(family, labels) && histogram.counts.len() <= bounds.len() + 1
            });
            truncate(series);
        }
        self
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty() && self.histograms.is_empty()
    }
}

/// The values of labels as a key.
fn key_of(labels: &[&str]) -> String {
    labels.join("/")
}

/// Whether a byte may be in the values of labels, so that no text format needs to escape it.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)
}

fn truncate<T>(series: &mut BTreeMap<String, T>) {
    while series.len() > MAX_SERIES {
        series.pop_last();
    }
}

fn entry<'m, T: Default>(map: &'m mut ByFamily<T>, family: &str, labels: &str) -> &'m mut T {
    let series = map.entry(family.to_owned()).or_default();
    series.entry(labels.to_owned()).or_default()
}

fn find_in<'m, T>(map: &'m ByFamily<T>, family: &str, labels: &str) -> Option<&'m T> {
    map.get(family)?.get(labels)
}

fn each<T>(map: &ByFamily<T>) -> impl Iterator<Item = (&str, &str, &T)> {
    map.iter().flat_map(|(family, series)| {
        let of_labels = series.iter();
        of_labels.map(move |(labels, value)| (family.as_str(), labels.as_str(), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::families::{OPERATIONS, SLOT_LOOKUP_DURATION, SLOT_STARTS};
    use crate::metrics::histogram::CALLS;

    fn counts(number: u64) -> Counts {
        let mut counts = Counts::default();
        counts.count(&OPERATIONS, &["start", "ok"], number);
        counts.count(&SLOT_STARTS, &["created"], 1);
        let mut durations = Histogram::default();
        durations.add(CALLS, number);
        counts.durations(&SLOT_LOOKUP_DURATION, &[], &durations);
        counts
    }

    #[test]
    fn counts_of_two_handles_add_up_and_are_taken_apart_again() {
        let mut both = counts(5);
        both.merge(&counts(7));
        assert_eq!(both.counters["operations"]["start/ok"], 12);
        assert_eq!(both.histograms["slotLookupDuration"][""].count(), 2);
        let rest = both.since(&counts(5));
        assert_eq!(rest.counters["operations"]["start/ok"], 7);
        assert_eq!(rest.histograms["slotLookupDuration"][""].sum_us, 7);
    }

    #[test]
    fn what_is_no_family_of_this_version_is_dropped() {
        let text = r#"{"counters":{"operations":{"start/ok":1,"start":2,"a\"/b":3},"new":{"a":1},
            "slotLookupDuration":{"":1}},"histograms":{"slotLookupDuration":{"":
            {"counts":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],"sumUs":1}},"operations":{"a/b":
            {"counts":[],"sumUs":0}}}}"#;
        let counts: Counts = serde_json::from_str(text).unwrap();
        let checked = counts.checked();
        assert_eq!(checked.counters.len(), 1);
        assert_eq!(checked.counters["operations"].len(), 1);
        assert!(checked.histograms["slotLookupDuration"].is_empty());
    }
}

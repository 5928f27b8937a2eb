//! What was counted, by family and by the values of its labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::families::{Family, Kind, SEPARATOR, find};
use super::histogram::{Histogram, MAX_COUNT};

/// The greatest number of combinations of labels of a family that a record may have. The families need fewer.
const MAX_SERIES: usize = 2000;
/// The greatest number of families. This version has fewer.
const MAX_FAMILIES: usize = 100;
/// The greatest length of the name of a family, and of the values of its labels.
const MAX_WORDS: usize = 128;

/// A value for each combination of labels, whose values are joined by a slash, in each family.
pub(super) type ByFamily<T> = BTreeMap<String, BTreeMap<String, T>>;

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

    /// The greatest of the numbers.
    pub(super) fn greatest(&self) -> u64 {
        let counters = each(&self.counters).map(|(_, _, number)| *number);
        let histograms = each(&self.histograms).map(|(_, _, histogram)| histogram.greatest());
        counters.chain(histograms).max().unwrap_or(0)
    }

    /// The families that are known, with words of Tenure as the values of their labels: what a handle of this version
    /// counts.
    #[must_use]
    pub fn known(self) -> Self {
        self.of_families(Family::has_words)
    }

    /// The families that are known. A newer version may have other words, such as the names of its operations.
    #[must_use]
    pub(super) fn shown(self) -> Self {
        self.of_families(|_, _| true).bounded()
    }

    fn of_families(mut self, fits: impl Fn(&Family, &str) -> bool) -> Self {
        self.counters.retain(|id, series| {
            let family = find(id).filter(|family| family.kind == Kind::Counter);
            family.is_some_and(|family| {
                series.retain(|labels, _| has_labels(family, labels) && fits(family, labels));
                true
            })
        });
        self.histograms.retain(|id, series| {
            let Some(family) = find(id) else { return false };
            let Kind::Durations(bounds) = family.kind else {
                return false;
            };
            series.retain(|labels, histogram| {
                let is_short = histogram.counts.len() <= bounds.len() + 1;
                is_short && has_labels(family, labels) && fits(family, labels)
            });
            true
        });
        self
    }

    /// The same, bounded in size: what the total may have. A newer version may have counted families that this one does not
    /// know. They are as good as the others.
    #[must_use]
    pub(super) fn bounded(mut self) -> Self {
        bound(&mut self.counters, |number| {
            *number = (*number).min(MAX_COUNT)
        });
        bound(&mut self.histograms, Histogram::bound);
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

/// Whether a family has as many labels. None of their values is empty.
fn has_labels(family: &Family, labels: &str) -> bool {
    match labels {
        "" => family.labels.is_empty(),
        labels => labels.split(SEPARATOR).count() == family.labels.len(),
    }
}

/// Whether these are the values of labels of any family.
fn are_words(labels: &str) -> bool {
    labels.is_empty()
        || labels.len() <= MAX_WORDS
            && labels.bytes().all(is_plain)
            && labels.split(SEPARATOR).all(|word| !word.is_empty())
}

fn bound<T>(map: &mut ByFamily<T>, bound: impl Fn(&mut T)) {
    map.retain(|family, _| family.len() <= MAX_WORDS);
    truncate(map, MAX_FAMILIES);
    for series in map.values_mut() {
        series.retain(|labels, _| are_words(labels));
        truncate(series, MAX_SERIES);
        series.values_mut().for_each(&bound);
    }
}

/// The families of this version come first where there are too many of them.
fn truncate<T>(map: &mut BTreeMap<String, T>, most: usize) {
    while map.len() > most {
        match map.keys().rev().find(|key| find(key).is_none()).cloned() {
            Some(unknown) => map.remove(&unknown),
            None => map.pop_last().map(|(_, value)| value),
        };
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
    fn what_is_no_word_of_this_version_is_not_accepted() {
        let text = r#"{"counters":{"operations":{"start/ok":1,"start":2,"a\"/b":3,"user-text.x/ok":4,"/ok":5,"start/":6,
            "start/other":7},"slotStarts":{"":1,"created":2,"/":3},"new":{"a":1},
            "slotLookupDuration":{"":1}},"histograms":{"slotLookupDuration":{"":
            {"counts":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],"sumUs":1}},"operations":{"a/b":
            {"counts":[],"sumUs":0}}}}"#;
        let counts: Counts = serde_json::from_str(text).unwrap();
        let known = counts.known();
        let keys = |family: &str| known.counters[family].keys().collect::<Vec<_>>();
        assert_eq!(known.counters.len(), 2);
        assert_eq!(keys("operations"), ["start/ok"]);
        assert_eq!(keys("slotStarts"), ["created"]);
        assert!(known.histograms["slotLookupDuration"].is_empty());
    }

    #[test]
    fn what_a_newer_version_has_counted_is_kept_and_bounded() {
        let mut newer = counts(u64::MAX);
        newer.counters.entry("new".to_owned()).or_default().extend([
            ("a/b/c".to_owned(), 7),
            ("a//c".to_owned(), 8),
            ("a".repeat(MAX_WORDS + 1), 9),
        ]);
        for number in 0..MAX_FAMILIES {
            newer.counters.insert(format!("a{number}"), BTreeMap::new());
        }
        for number in 0..=MAX_SERIES {
            let series = newer.histograms.entry("new".to_owned()).or_default();
            series.insert(
                number.to_string(),
                Histogram {
                    counts: vec![1; 1000],
                    sum_us: 1,
                },
            );
        }
        let mut bounded = newer.clone().bounded();
        bounded.merge(&newer);
        let bounded = bounded.bounded();
        assert_eq!(bounded.counters["operations"]["start/ok"], MAX_COUNT);
        assert_eq!(bounded.counters.len(), MAX_FAMILIES);
        assert_eq!(bounded.histograms["new"].len(), MAX_SERIES);
        assert!(serde_json::to_string(&bounded).unwrap().len() < 1 << 20);
        newer.counters.retain(|family, _| !family.starts_with('a'));
        let bounded = newer.bounded();
        assert_eq!(
            bounded.counters["new"],
            BTreeMap::from([("a/b/c".to_owned(), 7)])
        );
        assert_eq!(bounded.shown().counters.len(), 2);
    }
}

//! How durations, costs, tokens and iterations are distributed among sessions, computed from the values that a
//! store collects.

use serde::Serialize;

use crate::store::tally::{Tally, Values};

/// The greatest number of iterations in each part of the histogram but the last.
const ENDS: [u64; 7] = [0, 5, 10, 20, 50, 100, 200];

/// How durations, costs, tokens and iterations are distributed among sessions. Percentiles are exact: the
/// nearest rank, which is a value of one of the sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// The number of sessions.
    pub total: u64,
    /// The histogram of used iterations: the number of sessions that have used 0, 1 to 5, up to 10, 20, 50,
    /// 100 and 200, and more. Parts without sessions are among them.
    pub iterations: Vec<IterationCount>,
    /// The durations of the sessions that have ended for good, from their creation to their end, in
    /// milliseconds; `null` if none has.
    pub duration_ms: Option<Percentiles>,
    /// The costs of the sessions, 0 for one without; `null` without sessions.
    pub cost: Option<Percentiles>,
    /// The tokens of the sessions, 0 for one without; `null` without sessions.
    pub tokens: Option<Percentiles>,
    /// The groups with the most sessions: as many as `groups` asks for. Of groups with as many the first names
    /// come first. Empty without `by`.
    pub groups: Vec<GroupDistribution>,
    /// The number of groups that `groups` omits.
    pub groups_omitted: u64,
}

/// A part of the histogram of used iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct IterationCount {
    /// The smallest number of iterations in this part.
    pub from: u64,
    /// The greatest number of iterations in this part; `null` in the last part, which has no end.
    pub to: Option<u64>,
    /// The number of sessions.
    pub sessions: u64,
}

/// How durations, costs and tokens are distributed among the sessions of one mode, model or user.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct GroupDistribution {
    /// The mode, the model or the user; `null` for the sessions without one.
    pub name: Option<String>,
    /// The number of sessions.
    pub sessions: u64,
    /// The durations of the sessions that have ended for good, in milliseconds; `null` if none has.
    pub duration_ms: Option<Percentiles>,
    /// The costs of the sessions.
    pub cost: Option<Percentiles>,
    /// The tokens of the sessions.
    pub tokens: Option<Percentiles>,
}

/// Percentiles of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Percentiles {
    /// The least value that half of the sessions do not exceed.
    pub median: f64,
    /// The least value that 95 percent of the sessions do not exceed.
    pub p95: f64,
}

impl Distribution {
    /// The distribution of these values: with the `most` groups that have the most sessions, if they are those of
    /// groups.
    pub fn of(tally: &Tally, is_grouped: bool, most: u32) -> Self {
        let mut groups: Vec<&Values> = tally.values().collect();
        let all = GroupDistribution::of(&groups);
        let iterations = histogram(&groups);
        if !is_grouped {
            groups.clear();
        }
        groups.sort_unstable_by(|a, b| {
            let most_first = b.costs.len().cmp(&a.costs.len());
            most_first.then_with(|| a.name.cmp(&b.name))
        });
        let shown = groups.iter().take(most as usize);
        Self {
            total: all.sessions,
            iterations,
            duration_ms: all.duration_ms,
            cost: all.cost,
            tokens: all.tokens,
            groups: shown
                .map(|values| GroupDistribution::of(&[values]))
                .collect(),
            groups_omitted: groups.len().saturating_sub(most as usize) as u64,
        }
    }
}

impl GroupDistribution {
    /// The distribution of the values of several groups, which has the name of the first.
    fn of(groups: &[&Values]) -> Self {
        let percentiles = |measure: fn(&Values) -> &[u64], unit: f64| {
            let parts: Vec<&[u64]> = groups.iter().map(|values| measure(values)).collect();
            Some(Percentiles {
                median: percentile(&parts, 50)? as f64 / unit,
                p95: percentile(&parts, 95)? as f64 / unit,
            })
        };
        let name = groups.first().and_then(|values| values.name.clone());
        let sessions = groups.iter().map(|values| values.costs.len() as u64);
        Self {
            name,
            sessions: sessions.sum(),
            duration_ms: percentiles(|values| &values.durations, 1.0),
            cost: percentiles(|values| &values.costs, 1e9),
            tokens: percentiles(|values| &values.tokens, 1.0),
        }
    }
}

/// The histogram of used iterations.
fn histogram(groups: &[&Values]) -> Vec<IterationCount> {
    let mut from = 0;
    let ends = ENDS.into_iter().map(Some).chain([None]);
    let parts = ends.map(|to| {
        let part = IterationCount {
            from,
            to,
            sessions: 0,
        };
        from = to.map_or(from, |to| to + 1);
        part
    });
    let mut parts: Vec<IterationCount> = parts.collect();
    for iterations in groups.iter().flat_map(|values| &values.iterations) {
        let is_in = |part: &&mut IterationCount| part.to.is_none_or(|to| *iterations <= to);
        if let Some(part) = parts.iter_mut().find(is_in) {
            part.sessions += 1;
        }
    }
    parts
}

/// The least of the numbers that so many percent of them do not exceed; nothing without numbers.
pub fn percentile(parts: &[&[u64]], percent: u64) -> Option<u64> {
    let numbers = || parts.iter().copied().flatten();
    let greatest = numbers().max()?;
    let count: usize = parts.iter().map(|part| part.len()).sum();
    let rank = (count as u64 * percent).div_ceil(100).max(1);
    // Its bits are found one by one, the highest first. It takes no order and no memory.
    let mut found = 0;
    for bit in (0..u64::BITS - greatest.leading_zeros()).rev() {
        let without = found | ((1 << bit) - 1);
        let within = numbers().filter(|number| **number <= without).count();
        if (within as u64) < rank {
            found |= 1 << bit;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn so_many_percent_of_the_numbers_do_not_exceed_a_percentile() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[&[], &[]], 50), None);
        for count in 1..200_u64 {
            let numbers: Vec<u64> = (0..count).map(|n| n * 7919 % 199 * 3).collect();
            let (first, second) = numbers.split_at(numbers.len() / 3);
            for share in [0, 1, 50, 95, 100] {
                let least = percentile(&[first, &[], second], share).unwrap();
                let within = numbers.iter().filter(|n| **n <= least).count() as u64;
                let below = numbers.iter().filter(|n| **n < least).count() as u64;
                assert!(numbers.contains(&least), "{share} % of {count}");
                assert!(within * 100 >= count * share, "{share} % of {count}");
                assert!(
                    below == 0 || below * 100 < count * share,
                    "{share} % of {count}"
                );
            }
        }
        assert_eq!(percentile(&[&[u64::MAX, 0, u64::MAX]], 50), Some(u64::MAX));
    }
}

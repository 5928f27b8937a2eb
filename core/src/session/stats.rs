//! Statistics over sessions, computed from the counts of a store.

use std::cmp::Reverse;

use serde::{Serialize, Serializer};

use crate::store::tally::{Count, Tally};
use crate::stored::head::Usage;
use crate::stored::status::Status;

/// The greatest number of users whose usage is listed, those with the most sessions first.
const MAX_USERS: usize = 1000;

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Statistics over sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// The number of sessions.
    pub total: u64,
    /// The number of sessions by status.
    pub by_status: StatusCounts,
    /// The number of sessions by mode.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, number>"))]
    pub by_mode: ByName<u64>,
    /// The number of sessions by model: the one of the slot, or without a slot the one in the metadata.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, number>"))]
    pub by_model: ByName<u64>,
    /// The average number of iterations used; 0 without sessions.
    pub average_iterations: f64,
    /// The share of completed sessions among all, in percent; 0 without sessions.
    pub success_rate: f64,
    /// The share of completed sessions among those that are completed, failed or abandoned, in percent.
    pub finished_success_rate: f64,
    /// The total usage.
    pub usage: UsageTotals,
    /// The usage by mode.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, UsageTotals>"))]
    pub usage_by_mode: ByName<UsageTotals>,
    /// The usage by model.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, UsageTotals>"))]
    pub usage_by_model: ByName<UsageTotals>,
    /// The usage by user, for the 1,000 users with the most sessions.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, UsageTotals>"))]
    pub usage_by_user: ByName<UsageTotals>,
    /// The number of users that `usageByUser` omits.
    pub users_omitted: u64,
}

impl Stats {
    /// The statistics of these counts.
    pub fn of(tally: &Tally) -> Self {
        let mut all = Count::default();
        let mut modes = Vec::new();
        let mut users = Vec::new();
        let mut models = Vec::new();
        for group in tally.groups() {
            all.add(group.count);
            modes.push((group.mode.as_str(), group.count));
            let user = group.user_id.as_deref();
            users.extend(user.map(|user| (user, group.count)));
            let model = group.model.as_deref();
            models.extend(model.map(|model| (model, group.count)));
        }
        let of = |status: Status| {
            let groups = tally.groups().filter(|group| group.status == status);
            groups.map(|group| group.count.sessions).sum::<u64>()
        };
        let completed = of(Status::Completed);
        let finished = completed + of(Status::Failed) + of(Status::Abandoned);
        let modes = summed(modes);
        let models = summed(models);
        let mut users = summed(users);
        let users_omitted = users.len().saturating_sub(MAX_USERS) as u64;
        if users_omitted > 0 {
            // Stable: of users with as many sessions the first names stay.
            users.sort_by_key(|(_, count)| Reverse(count.sessions));
            users.truncate(MAX_USERS);
            users.sort_by_key(|(user, _)| *user);
        }
        Self {
            total: all.sessions,
            by_status: StatusCounts {
                active: of(Status::Active),
                paused: of(Status::Paused),
                completed,
                failed: of(Status::Failed),
                timeout: of(Status::Timeout),
                abandoned: of(Status::Abandoned),
            },
            by_mode: ByName::of(&modes, |count| count.sessions),
            by_model: ByName::of(&models, |count| count.sessions),
            average_iterations: ratio(all.iterations, all.sessions),
            success_rate: ratio(completed, all.sessions) * 100.0,
            finished_success_rate: ratio(completed, finished) * 100.0,
            usage: all.usage.into(),
            usage_by_mode: ByName::of(&modes, |count| count.usage.into()),
            usage_by_model: ByName::of(&models, |count| count.usage.into()),
            usage_by_user: ByName::of(&users, |count| count.usage.into()),
            users_omitted,
        }
    }
}

/// Sums up the counts of each name; the names in their order.
fn summed(mut counts: Vec<(&str, Count)>) -> Vec<(&str, Count)> {
    counts.sort_by_key(|(name, _)| *name);
    counts.dedup_by(|(name, count), (known, sum)| {
        let is_known = name == known;
        if is_known {
            sum.add(*count);
        }
        is_known
    });
    counts
}

/// A value for each of several names, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct ByName<T>(Vec<(String, T)>);

impl<T> ByName<T> {
    fn of(counts: &[(&str, Count)], value: impl Fn(&Count) -> T) -> Self {
        let values = counts.iter();
        Self(
            values
                .map(|(name, count)| ((*name).to_owned(), value(count)))
                .collect(),
        )
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        let place = self
            .0
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        self.0.get(place.ok()?).map(|(_, value)| value)
    }

    /// The names, each with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The number of sessions by status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StatusCounts {
    /// Running.
    pub active: u64,
    /// Waiting to be resumed.
    pub paused: u64,
    /// Ended with a result.
    pub completed: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Without iterations left.
    pub timeout: u64,
    /// Abandoned.
    pub abandoned: u64,
}

/// Tokens and cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UsageTotals {
    /// Tokens.
    pub tokens: TokenCounts,
    /// The cost in the user's unit, summed exactly to a billionth.
    pub cost: f64,
}

/// Numbers of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TokenCounts {
    /// Tokens of the prompts.
    pub prompt: u64,
    /// Tokens of the completions.
    pub completion: u64,
    /// The sum of both.
    pub total: u64,
}

impl From<Usage> for UsageTotals {
    fn from(usage: Usage) -> Self {
        Self {
            tokens: usage.into(),
            cost: usage.cost(),
        }
    }
}

impl From<Usage> for TokenCounts {
    fn from(usage: Usage) -> Self {
        Self {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            total: usage.total_tokens(),
        }
    }
}

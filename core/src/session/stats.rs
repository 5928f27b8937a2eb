//! Statistics over sessions, computed from the counts of a store.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use crate::store::places::Places;
use crate::store::tally::{Count, Shared, Sums, Tally};
use crate::stored::head::Usage;
use crate::stored::status::Status;

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
    /// The usage by user, of the users with the most sessions: as many as `users` asks for.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, UsageTotals>"))]
    pub usage_by_user: ByName<UsageTotals>,
    /// The number of users that `usageByUser` omits.
    pub users_omitted: u64,
}

impl Stats {
    /// The statistics of these counts.
    pub fn of(tally: &Tally) -> Self {
        let mut all = Sums::default();
        let mut by_status = StatusCounts::default();
        let (mut modes, mut models, mut users) =
            (Named::default(), Named::default(), Named::default());
        tally.each(&mut |group| {
            let Shared {
                user_id,
                mode,
                status,
                model,
            } = group.shared();
            users.add(user_id, group.sums);
            modes.add(mode, group.sums);
            models.add(model, group.sums);
            if let Some(status) = status {
                all = all.plus(group.sums);
                *by_status.of(status) += group.sums.sessions();
            }
        });
        let completed = by_status.completed;
        let finished = completed + by_status.failed + by_status.abandoned;
        let all = all.count();
        Self {
            total: all.sessions,
            by_status,
            by_mode: modes.counts().into(),
            by_model: models.counts().into(),
            average_iterations: ratio(all.iterations, all.sessions),
            success_rate: ratio(completed, all.sessions) * 100.0,
            finished_success_rate: ratio(completed, finished) * 100.0,
            usage: all.usage.into(),
            usage_by_mode: modes.counts().into(),
            usage_by_model: models.counts().into(),
            usage_by_user: users.counts().into(),
            users_omitted: tally.users_omitted,
        }
    }
}

/// The sums of several names.
#[derive(Default)]
struct Named {
    names: Places,
    sums: Vec<Sums>,
}

impl Named {
    /// Adds to the sums of a name, if there is one.
    fn add(&mut self, name: Option<&str>, sums: Sums) {
        let Some(name) = name else {
            return;
        };
        let place = self.names.get(name);
        match place.and_then(|place| self.sums.get_mut(place)) {
            Some(known) => *known = known.plus(sums),
            None => {
                self.names.insert(name.to_owned(), self.sums.len());
                self.sums.push(sums);
            }
        }
    }

    /// The count of each name, in the order of the names.
    fn counts(&self) -> Vec<(String, Count)> {
        let mut counts = Vec::new();
        for (name, place) in self.names.iter() {
            if let Some(sums) = self.sums.get(*place) {
                counts.push((name.clone(), sums.count()));
            }
        }
        counts
    }
}

/// A value for each of several names, in their order: a part of what is counted of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ByName<T> {
    counts: Vec<(String, Count)>,
    part: PhantomData<T>,
}

impl<T> From<Vec<(String, Count)>> for ByName<T> {
    fn from(counts: Vec<(String, Count)>) -> Self {
        Self {
            counts,
            part: PhantomData,
        }
    }
}

impl<T: From<Count>> ByName<T> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<T> {
        let place = self
            .counts
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        let (_, count) = self.counts.get(place.ok()?)?;
        Some(T::from(*count))
    }

    /// The names, each with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, T)> {
        let counts = self.counts.iter();
        counts.map(|(name, count)| (name.as_str(), T::from(*count)))
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl<T: From<Count> + Serialize> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> Self {
        count.sessions
    }
}

impl From<Count> for UsageTotals {
    fn from(count: Count) -> Self {
        count.usage.into()
    }
}

/// The number of sessions by status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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

impl StatusCounts {
    fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Active => &mut self.active,
            Status::Paused => &mut self.paused,
            Status::Completed => &mut self.completed,
            Status::Failed => &mut self.failed,
            Status::Timeout => &mut self.timeout,
            Status::Abandoned => &mut self.abandoned,
        }
    }
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

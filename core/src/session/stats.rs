//! Statistics over sessions, computed from the counts of a store.

use std::collections::BTreeMap;

use serde::Serialize;

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
    pub by_mode: BTreeMap<String, u64>,
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
    pub usage_by_mode: BTreeMap<String, UsageTotals>,
    /// The usage by user, for the 1,000 users with the most sessions.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, UsageTotals>"))]
    pub usage_by_user: BTreeMap<String, UsageTotals>,
    /// The number of users that `usageByUser` omits.
    pub users_omitted: u64,
}

impl Stats {
    /// The statistics of these counts.
    pub fn of(tally: &Tally) -> Self {
        let mut all = Count::default();
        let mut by_status: BTreeMap<Status, u64> = BTreeMap::new();
        let mut by_mode: BTreeMap<String, Count> = BTreeMap::new();
        let mut by_user: BTreeMap<String, Count> = BTreeMap::new();
        for (status, mode, user, count) in tally.groups() {
            all.add(count);
            *by_status.entry(status).or_default() += count.sessions;
            by_mode.entry(mode.to_owned()).or_default().add(count);
            if let Some(user) = user {
                by_user.entry(user.to_owned()).or_default().add(count);
            }
        }
        let of = |status: Status| by_status.get(&status).copied().unwrap_or(0);
        let completed = of(Status::Completed);
        let finished = completed + of(Status::Failed) + of(Status::Abandoned);
        let mut users: Vec<(String, Count)> = by_user.into_iter().collect();
        users.sort_by(|(a_name, a), (b_name, b)| {
            b.sessions.cmp(&a.sessions).then_with(|| a_name.cmp(b_name))
        });
        let users_omitted = users.len().saturating_sub(MAX_USERS) as u64;
        users.truncate(MAX_USERS);
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
            by_mode: by_mode
                .iter()
                .map(|(mode, count)| (mode.clone(), count.sessions))
                .collect(),
            average_iterations: ratio(all.iterations, all.sessions),
            success_rate: ratio(completed, all.sessions) * 100.0,
            finished_success_rate: ratio(completed, finished) * 100.0,
            usage: all.usage.into(),
            usage_by_mode: by_mode
                .into_iter()
                .map(|(mode, count)| (mode, count.usage.into()))
                .collect(),
            usage_by_user: users
                .into_iter()
                .map(|(user, count)| (user, count.usage.into()))
                .collect(),
            users_omitted,
        }
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

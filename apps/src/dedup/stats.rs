//! How many runs there were on each of some days, and how many of them were duplicates that were prevented.

use serde::Serialize;
use tenure_core::audit::range::Range;
use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::value::text::Text;
use tenure_core::value::time::Millis;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;

use super::log::{AuditRun, DAY, day};

/// The number of days that are counted by default.
const DEFAULT_DAYS: u64 = 7;
/// The length of a date as text.
const DATE: usize = "2026-01-08".len();
/// The greatest number of days that one call counts.
const MAX_DAYS: u64 = 366;

tenure_core::operations! {
    Group::Dedup;
    /// The number of runs on each of some days in UTC, and of those that were prevented as duplicates.
    DEDUP_STATS = Read "dedupStats" (DedupStatsParams) -> DedupStats, steps stats,
        r#"{"from":"2026-01-02","to":"2026-01-08"}"#;
}

declare_params! {
    /// The days whose runs to count.
    pub struct DedupStatsParams {
        /// The first day, as `2026-01-02` or `20260102`, in UTC; by default the sixth before the last, so that
        /// the days are a week.
        pub from: Option<Text>,
        /// The last day; today by default. At most 366 days are counted.
        pub to: Option<Text>,
    }
}

/// Runs on some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DedupStats {
    /// The number of runs that have ended on these days.
    pub runs: u64,
    /// The number of those that were prevented as duplicates.
    pub duplicates_prevented: u64,
    /// Each day, the first first; days without runs are among them.
    pub days: Vec<DedupDay>,
}

/// The runs on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DedupDay {
    /// The day in UTC, as `2026-01-08`.
    pub date: String,
    /// The number of runs that have ended on this day.
    pub runs: u64,
    /// The number of those that were prevented as duplicates.
    pub duplicates_prevented: u64,
}

async fn stats(context: &Context, params: DedupStatsParams) -> Result<DedupStats> {
    let now = context.call().now;
    let last = day("to", params.to.as_ref().map(Text::as_str), now)?;
    let first = match &params.from {
        Some(from) => day("from", Some(from.as_str()), now)?,
        None => last.minus(Millis((DEFAULT_DAYS - 1) * DAY.0)),
    };
    let number = last.since(first) / DAY.0 + 1;
    if first > last || number > MAX_DAYS {
        let problem = format!(
            "expected `to`, or a day at most {} days before",
            MAX_DAYS - 1
        );
        return Err(Error::invalid("from", problem));
    }
    let days = (0..number).map(|nth| {
        let mut date = first.plus(Millis(nth * DAY.0)).to_string();
        date.truncate(DATE);
        DedupDay {
            date,
            runs: 0,
            duplicates_prevented: 0,
        }
    });
    let mut stats = DedupStats {
        runs: 0,
        duplicates_prevented: 0,
        days: days.collect(),
    };
    let mut range = Range::new(Some(first), None, None)?;
    // The last day has no time after it.
    range.before = Some(last.plus(DAY)).filter(|end| end.since(last) == DAY.0);
    while let Some((_, entry)) = range.next(context).await? {
        let Some(run) = AuditRun::of(&entry) else {
            continue;
        };
        let prevented = u64::from(run.duplicate_prevented);
        stats.runs += 1;
        stats.duplicates_prevented += prevented;
        let nth = entry.at.since(first) / DAY.0;
        if let Some(day) = stats.days.get_mut(nth as usize) {
            day.runs += 1;
            day.duplicates_prevented += prevented;
        }
    }
    Ok(stats)
}

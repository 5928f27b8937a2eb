//! The metrics that follow from what is stored: how many sessions there are, and how agents have done. They are
//! the same for every caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::error::Result;
use tenure_core::session::stats::Stats;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Aggregate;
use tenure_core::stored::phase::Phase;
use tenure_core::stored::status::Status;
use tenure_core::work::context::Context;

use crate::agent_stats::{self, AgentStats, AgentStatsParams, Metric};

/// The metrics that follow from what is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "DerivedMetrics"))]
#[serde(rename_all = "camelCase")]
pub struct Derived {
    /// The number of sessions by status.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, number>"))]
    pub sessions: BTreeMap<String, u64>,
    /// The tokens of the prompts of all sessions.
    pub prompt_tokens: u64,
    /// The tokens of the completions of all sessions.
    pub completion_tokens: u64,
    /// The cost of all sessions, in the user's unit.
    pub cost: f64,
    /// How agents have done.
    pub agents: DerivedAgents,
}

/// How agents have done. Ratios are from 0 to 1, and `null` without data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "DerivedAgentMetrics"))]
#[serde(rename_all = "camelCase")]
pub struct DerivedAgents {
    /// The number of agents by phase.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, number>"))]
    pub phases: BTreeMap<String, u64>,
    /// The agents created per day, since the first one.
    pub created_per_day: f64,
    /// The decisions whether to resume an agent, of the last 30 days.
    pub decisions: u64,
    /// The decisions to resume, of the last 30 days.
    pub resumed: u64,
    /// The share of decisions to resume.
    pub resume_ratio: Option<f64>,
    /// The share of completed agents among those that were resumed and have ended.
    pub resume_success_ratio: Option<f64>,
    /// The median of the durations of ended agents, in seconds.
    pub duration_median_seconds: Option<f64>,
    /// The 95th percentile of the durations of ended agents, in seconds.
    pub duration_p95_seconds: Option<f64>,
    /// The share of agents that have met errors or failed.
    pub error_ratio: Option<f64>,
    /// When the last cleanup ended, in seconds since 1970; `null` if none ended in the last 30 days.
    pub last_cleanup_seconds: Option<f64>,
}

/// Computes the metrics. `None` for a store without sessions.
///
/// # Errors
/// Those of the store.
pub(super) async fn derive(context: &Context) -> Result<Option<Derived>> {
    let counts = Aggregate::Counts { users: 0 };
    let tally = match context.tally(Filter::default(), counts).await {
        Ok(tally) => tally,
        Err(error) if error.code() == "UNSUPPORTED_STORE" => return Ok(None),
        Err(error) => return Err(error),
    };
    let stats = Stats::of(&tally);
    let params = AgentStatsParams {
        storage: Some(false),
        ..AgentStatsParams::default()
    };
    let agents = agent_stats::stats(context, params).await?;
    let by = &stats.by_status;
    let sessions = [
        (Status::Active, by.active),
        (Status::Paused, by.paused),
        (Status::Completed, by.completed),
        (Status::Failed, by.failed),
        (Status::Timeout, by.timeout),
        (Status::Abandoned, by.abandoned),
    ];
    let sessions = sessions.into_iter();
    Ok(Some(Derived {
        sessions: sessions
            .map(|(status, count)| (status.as_str().to_owned(), count))
            .collect(),
        prompt_tokens: stats.usage.tokens.prompt,
        completion_tokens: stats.usage.tokens.completion,
        cost: stats.usage.cost,
        agents: DerivedAgents::of(&agents),
    }))
}

impl DerivedAgents {
    fn of(stats: &AgentStats) -> Self {
        let by = &stats.by_phase;
        let phases = [
            (Phase::Initializing, by.initializing),
            (Phase::Investigating, by.investigating),
            (Phase::Planning, by.planning),
            (Phase::Approval, by.approval),
            (Phase::Executing, by.executing),
            (Phase::Validating, by.validating),
            (Phase::Completed, by.completed),
            (Phase::Failed, by.failed),
            (Phase::Abandoned, by.abandoned),
        ];
        let ratio = |metric: Metric| metric.value.map(|percent| percent / 100.0);
        let seconds = |metric: Metric| metric.value.map(|millis| millis / 1000.0);
        let phases = phases.into_iter();
        Self {
            phases: phases
                .map(|(phase, count)| (phase.as_str().to_owned(), count))
                .collect(),
            created_per_day: stats.created_per_day,
            decisions: stats.decisions,
            resumed: stats.resumed,
            resume_ratio: ratio(stats.resume_rate),
            resume_success_ratio: ratio(stats.resume_success_rate),
            duration_median_seconds: seconds(stats.median_duration_ms),
            duration_p95_seconds: seconds(stats.p95_duration_ms),
            error_ratio: ratio(stats.error_rate),
            last_cleanup_seconds: stats.last_cleanup.map(|at| at.as_millis() as f64 / 1000.0),
        }
    }
}

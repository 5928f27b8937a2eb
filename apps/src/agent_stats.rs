//! How agents have done: how often they were resumed and with what success, how long they took, how
//! many met errors, and how much of the store they fill, each beside the target that it should keep.
//! Sessions and entries of the audit log are read a page at a time, and counted in one by one.

use std::collections::BTreeMap;

use serde::Serialize;

use tenure_core::audit::entry::Entry;
use tenure_core::audit::range::Range;
use tenure_core::error::{Result, none_if_corrupt};
use tenure_core::session::distribution::percentile;
use tenure_core::store::filter::{Filter, Order, Trash};
use tenure_core::store::{History, ListQuery};
use tenure_core::stored::event::Event;
use tenure_core::stored::head::Head;
use tenure_core::stored::phase::Phase;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::Object;
use tenure_core::value::limits::{MAX_PAGE, MAX_PAGE_BYTES};
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::{audit, declare_params};

/// How far back the audit log is read for statistics, if nothing else is said.
const COUNTED: Millis = Millis(30 * 24 * 60 * 60 * 1000);
/// A day in milliseconds.
const DAY: f64 = 86_400_000.0;
/// The greatest number of names of agents that are counted separately.
const MAX_NAMES: usize = 1000;

/// The target of the resume rate, in percent.
const RESUMED: f64 = 60.0;
/// The target of the success rate of resumed agents, in percent.
const SUCCEEDED: f64 = 80.0;
/// The target of the median duration, in milliseconds.
const MEDIAN: f64 = 5.0 * 60_000.0;
/// The target of the 95th percentile of the durations, in milliseconds.
const P95: f64 = 30.0 * 60_000.0;
/// The target of the error rate, in percent.
const ERRORS: f64 = 10.0;
const BYTES: f64 = 100e6;

declare_params! {
    /// Which statistics to compute.
    pub struct AgentStatsParams {
        /// Only agents of this name.
        pub agent_name: Option<Text>,
        /// Whether to add up the storage of the sessions, which reads their histories; `true` by
        /// default.
        pub storage: Option<bool>,
        /// The size of the store on disk in bytes, which `storageBytes` then compares with its target.
        pub disk_bytes: Option<u64>,
        /// The period of the audit log to read, up to now, for decisions, ends and cleanups:
        /// milliseconds or text such as `"30d"`. 30 days by default.
        pub within: Option<Millis>,
    }
}

/// How agents have done. Those in the trash fill the store, and count no more otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AgentStats {
    /// The number of agents.
    pub total: u64,
    /// The number of agents whose phase is not final.
    pub active: u64,
    /// The number of agents created per day, since the first one.
    pub created_per_day: f64,
    /// The number of agents by name, for the first 1,000 names.
    #[cfg_attr(feature = "ts", ts(type = "Record<string, number>"))]
    pub by_agent: BTreeMap<String, u64>,
    /// The number of agents by phase.
    pub by_phase: PhaseCounts,
    /// The number of decisions whether to resume an agent, within the period.
    pub decisions: u64,
    /// The number of decisions to resume an agent, within the period.
    pub resumed: u64,
    /// The share of decisions to resume, in percent.
    pub resume_rate: Metric,
    /// The share of completed agents among those that were resumed and have ended, in percent.
    pub resume_success_rate: Metric,
    /// The median of the durations of ended agents, in milliseconds.
    pub median_duration_ms: Metric,
    /// The 95th percentile of the durations of ended agents, in milliseconds.
    pub p95_duration_ms: Metric,
    /// The share of agents that have met errors or failed, in percent.
    pub error_rate: Metric,
    /// The storage in bytes: the given size on disk, or else that of the texts of the sessions,
    /// including those in the trash.
    pub storage_bytes: Metric,
    /// The size of the texts of the sessions in bytes, including those in the trash; `null` without
    /// sessions, and where it was not asked for.
    pub text_bytes: Option<u64>,
    /// When the last cleanup ended; `null` if none ended within the period.
    pub last_cleanup: Option<Timestamp>,
}

/// How many agents are in each phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PhaseCounts {
    /// Just created.
    pub initializing: u64,
    /// Investigating.
    pub investigating: u64,
    /// Making a plan.
    pub planning: u64,
    /// Waiting for approval.
    pub approval: u64,
    /// Executing the plan.
    pub executing: u64,
    /// Validating the result.
    pub validating: u64,
    /// Ended with success.
    pub completed: u64,
    /// Ended with a failure.
    pub failed: u64,
    /// Abandoned.
    pub abandoned: u64,
}

/// A value against its target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Metric {
    /// The value; `null` without data.
    pub value: Option<f64>,
    /// The target.
    pub target: f64,
    /// Whether the value should be above or below the target.
    pub wanted: Wanted,
    /// Whether the value meets the target; `null` without data.
    pub met: Option<bool>,
}

/// The side of a target on which a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Above it.
    Above,
    /// Below it.
    Below,
}

impl Metric {
    fn above(value: Option<f64>, target: f64) -> Self {
        Self {
            value,
            target,
            wanted: Wanted::Above,
            met: value.map(|value| value > target),
        }
    }

    fn below(value: Option<f64>, target: f64) -> Self {
        Self {
            value,
            target,
            wanted: Wanted::Below,
            met: value.map(|value| value < target),
        }
    }
}

/// What may befall a session: it is resumed, its work ends, and is completed.
const RESUMED_ONCE: u64 = 1;
const ENDED: u64 = 2;
const ENDED_WELL: u64 = 4;

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Count {
    agent_name: Option<String>,
    first: Option<Timestamp>,
    total: u64,
    active: u64,
    with_errors: u64,
    by_agent: BTreeMap<String, u64>,
    by_phase: [u64; Phase::ALL.len()],
    durations: Vec<u64>,
    bytes: Option<u64>,
    disk_bytes: Option<u64>,
    decisions: u64,
    resumed: u64,
    /// What befell sessions, as the audit log says.
    fates: BTreeMap<String, u64>,
    last_cleanup: Option<Timestamp>,
}

impl Count {
    /// Counts what such a call asks for.
    pub fn new(params: &AgentStatsParams) -> Self {
        Self {
            agent_name: params.agent_name.as_ref().map(Text::to_string),
            disk_bytes: params.disk_bytes,
            ..Self::default()
        }
    }

    /// Counts an agent's session.
    pub fn session(&mut self, head: &Head) {
        let Some(agent) = head.agent.as_ref().filter(|_| head.deleted_at.is_none()) else {
            return;
        };
        self.total += 1;
        self.active += u64::from(!agent.phase.is_final());
        self.with_errors += u64::from(agent.error_count > 0 || agent.phase == Phase::Failed);
        let first = self.first.get_or_insert(head.created_at);
        *first = head.created_at.min(*first);
        if let Some(count) = self.by_phase.get_mut(agent.phase as usize) {
            *count += 1;
        }
        if self.by_agent.len() < MAX_NAMES || self.by_agent.contains_key(&head.mode) {
            *self.by_agent.entry(head.mode.clone()).or_default() += 1;
        }
        self.durations.extend(head.final_duration());
    }

    /// Counts what a session fills.
    pub fn storage(&mut self, head: &Head, events: &[Event]) {
        let events = events.iter().map(|event| event.data.as_str().len() as u64);
        let bytes = head.user_bytes().saturating_add(events.sum());
        self.bytes = Some(self.bytes.unwrap_or(0).saturating_add(bytes));
    }

    /// Counts an entry of the audit log.
    pub fn entry(&mut self, entry: &Entry) {
        let data = Object::parse(&entry.data);
        let Some(kind) = data.text("kind") else {
            return;
        };
        if kind == audit::entry::CLEANUP {
            self.last_cleanup = self.last_cleanup.max(Some(entry.at));
            return;
        }
        let agent = data.text("agent");
        if self.agent_name.is_some() && self.agent_name != agent {
            return;
        }
        let subject = data.text("subject");
        match (kind.as_str(), subject) {
            (audit::entry::DECISION, subject) => {
                self.decisions += 1;
                if data.read("resume").unwrap_or(false) {
                    self.resumed += 1;
                    self.befall(subject.unwrap_or_default(), RESUMED_ONCE);
                }
            }
            (audit::entry::FINALIZATION, Some(subject)) => {
                let completed = data.text("outcome").as_deref() == Some(Phase::Completed.as_str());
                self.befall(subject, if completed { ENDED | ENDED_WELL } else { ENDED });
            }
            _ => {}
        }
    }

    fn befall(&mut self, subject: String, what: u64) {
        *self.fates.entry(subject).or_default() |= what;
    }

    /// What the counts say.
    pub fn stats(self, now: Timestamp) -> AgentStats {
        let duration = |percent| {
            let found = percentile(&[&self.durations], percent);
            found.map(|millis| millis as f64)
        };
        let with = |all: u64| {
            self.fates
                .values()
                .filter(|&&fate| fate & all == all)
                .count() as u64
        };
        let ended = with(RESUMED_ONCE | ENDED);
        let completed = with(RESUMED_ONCE | ENDED_WELL);
        let of = |phase: Phase| self.by_phase.get(phase as usize).copied().unwrap_or(0);
        let stored = self.disk_bytes.or(self.bytes);
        // Of less than a day the rate would be a guess.
        let days = self
            .first
            .map(|first| (now.since(first) as f64 / DAY).max(1.0));
        AgentStats {
            total: self.total,
            active: self.active,
            created_per_day: days.map_or(0.0, |days| self.total as f64 / days),
            decisions: self.decisions,
            resumed: self.resumed,
            resume_rate: Metric::above(percent(self.resumed, self.decisions), RESUMED),
            resume_success_rate: Metric::above(percent(completed, ended), SUCCEEDED),
            median_duration_ms: Metric::below(duration(50), MEDIAN),
            p95_duration_ms: Metric::below(duration(95), P95),
            error_rate: Metric::below(percent(self.with_errors, self.total), ERRORS),
            storage_bytes: Metric::below(stored.map(|bytes| bytes as f64), BYTES),
            text_bytes: self.bytes,
            last_cleanup: self.last_cleanup,
            by_agent: self.by_agent,
            by_phase: PhaseCounts {
                initializing: of(Phase::Initializing),
                investigating: of(Phase::Investigating),
                planning: of(Phase::Planning),
                approval: of(Phase::Approval),
                executing: of(Phase::Executing),
                validating: of(Phase::Validating),
                completed: of(Phase::Completed),
                failed: of(Phase::Failed),
                abandoned: of(Phase::Abandoned),
            },
        }
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}

tenure_core::operations! {
    Group::Agents;
    /// Statistics of agents, against their targets. It reads their histories, to say how much storage
    /// they use, unless `storage` is `false`.
    AGENT_STATS = Read "agentStats" (AgentStatsParams) -> AgentStats, steps stats,
        r#"{"agentName":"a","storage":true,"diskBytes":4096,"within":"1d"}"#;
}

/// Computes the statistics.
///
/// # Errors
/// Those of the store.
pub(crate) async fn stats(context: &Context, params: AgentStatsParams) -> Result<AgentStats> {
    let now = context.call().now;
    let mut count = Count::new(&params);
    let order = Order::default();
    let mut query = ListQuery {
        filter: Filter {
            mode: params.agent_name.as_ref().map(Text::to_string),
            phase: Some(Phase::ALL.to_vec()),
            trash: Trash::Include,
            ..Filter::default()
        },
        order,
        after: None,
        offset: 0,
        limit: MAX_PAGE,
        max_bytes: MAX_PAGE_BYTES,
    };
    loop {
        let page = context.list(&query).await?;
        for head in &page.heads {
            count.session(head);
            if params.storage.unwrap_or(true) {
                count_storage(context, &mut count, &head.id).await?;
            }
        }
        match page.heads.last() {
            Some(last) if page.more => query.after = Some(order.position(last)),
            _ => break,
        }
    }
    let from = now.minus(params.within.unwrap_or(COUNTED));
    let mut range = Range::new(Some(from), None, None)?;
    while let Some((_, entry)) = range.next(context).await? {
        count.entry(&entry);
    }
    Ok(count.stats(now))
}

async fn count_storage(context: &Context, count: &mut Count, id: &SessionId) -> Result<()> {
    // One that cannot be read, or is no longer there, uses no storage that could be counted.
    if let Some(loaded) = none_if_corrupt(context.load(id, History::All).await)? {
        count.storage(&loaded.head, &loaded.events);
    }
    Ok(())
}

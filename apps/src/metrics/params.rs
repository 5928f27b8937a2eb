//! The parameters and replies of the operations on metrics.

use serde::{Deserialize, Serialize};
use tenure_core::declare_params;
use tenure_core::value::json::Json;
use tenure_core::value::text::Text;

use super::counts::Counts;
use super::derived::Derived;
use super::own::ProcessUse;

declare_params! {
    /// Which metrics to read.
    pub struct MetricsParams {
        /// The handle that asks, as in `metricsRecord`. What it says itself is counted instead of its record.
        pub instance: Option<Text>,
        /// What the handle that asks has counted, a JSON object.
        pub own: Option<Json>,
        /// What its record has, in the same form. If the record is gone, the total has it, and it is not counted again.
        pub recorded: Option<Json>,
        /// Whether to compute what follows from the sessions and the audit log, which may read all heads of
        /// agents; `true` by default.
        pub derive: Option<bool>,
    }

    /// What a handle records.
    pub struct MetricsRecordParams {
        /// Identifies the handle among those of all processes: text of its own, of 64 characters at most.
        pub instance: Text,
        /// What it has counted in total, a JSON object.
        pub own: Json,
        /// Whether it has recorded before. If its record is gone then, nothing is written: the record was added to
        /// the total.
        pub known: Option<bool>,
        /// Whether the handle is being closed. What it has counted is added to the total, and its record removed.
        pub ended: Option<bool>,
        /// Whether other handles of the process record. What the connections of the handle have counted is kept for them
        /// when it is closed.
        pub others: Option<bool>,
    }

    /// Which records to add to the total.
    pub struct MetricsFoldParams {
        /// How many at most: 1 to 100, 100 by default.
        pub limit: Option<u32>,
    }
}

/// The metrics of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// What all handles have counted that record it, and the one that asks.
    pub counts: Counts,
    /// What the processes use whose handles record, and that of the handle that asks; each once.
    pub processes: Vec<ProcessUse>,
    /// The number of handles that are counted in.
    pub handles: u64,
    /// The size of the store on disk in bytes, as the handle that asks knows it, or else another; `null` where
    /// none does.
    pub store_bytes: Option<u64>,
    /// Whether there were more records than are read, or some that only a newer version can read. The counts are too
    /// small then.
    pub is_incomplete: bool,
    /// What follows from the sessions and the audit log; `null` if it was not asked for, and for a store without
    /// sessions.
    pub derived: Option<Derived>,
}

/// The outcome of recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum MetricsOutcome {
    /// The record was written, or added to the total.
    #[default]
    Recorded,
    /// Nothing was written: the total has what was recorded before. Record what was counted since.
    Folded,
}

/// The result of recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MetricsRecorded {
    /// The outcome.
    pub outcome: MetricsOutcome,
    /// The time until the next record, in milliseconds.
    pub next_ms: u64,
    /// Whether to call `metricsFold` now. One call among many is asked to.
    pub folds: bool,
}

/// The result of adding records to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MetricsFolded {
    /// The number of records that were added to the total.
    pub folded: u64,
}

//! Retention: the filters for the sessions that cleanups remove by their age, and the parameters of
//! scheduled removal.

use serde::{Deserialize, Serialize};

use crate::declare_params;
use crate::store::filter::{Filter, Trash};
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::time::{Millis, Timestamp};

/// The start of a session's age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The time of its creation.
    #[default]
    Created,
    /// The time of its last change.
    Updated,
}

/// The statuses that a cleanup removes by default: all but active and paused.
pub const DEFAULT_STATUSES: [Status; 4] = [
    Status::Completed,
    Status::Failed,
    Status::Timeout,
    Status::Abandoned,
];

/// How long entries of the audit log are retained by default: 365 days.
pub const KEEP_AUDIT: Millis = Millis(365 * 24 * 60 * 60 * 1000);

declare_params! {
    /// Which sessions retention removes, and how often.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct RetentionParams {
        /// The age at which sessions move to the trash, unless they are active or paused, in milliseconds.
        pub max_age_ms: u64,
        /// The interval between two passes, in milliseconds. The first pass runs within a minute.
        pub every_ms: u64,
        /// The time after which sessions in the trash are purged, in milliseconds.
        pub purge_after_ms: u64,
        /// The time for which entries of the audit log are retained, in milliseconds.
        pub keep_audit_ms: u64,
        /// Archive each session before it is purged; `false` by default.
        pub archive: Option<bool>,
    }
}

/// The agents that have been idle for `max_idle` at `now`, in any phase.
pub fn idle_agents(now: Timestamp, max_idle: Millis) -> Filter {
    Filter {
        phase: Some(Phase::ALL.to_vec()),
        ..expired(now, max_idle, Measure::Updated, Some(Status::ALL.to_vec()))
    }
}

/// The agents in the trash.
pub fn trashed_agents() -> Filter {
    Filter {
        phase: Some(Phase::ALL.to_vec()),
        trash: Trash::Only,
        ..Filter::default()
    }
}

/// The sessions that have reached `max_age` at `now`: their age is `max_age` or greater.
pub fn expired(
    now: Timestamp,
    max_age: Millis,
    measure: Measure,
    statuses: Option<Vec<Status>>,
) -> Filter {
    // Every session has reached the age 0, also one whose time is in the future.
    let limit = (max_age > Millis(0)).then(|| now.minus(max_age));
    // Nothing is older than time.
    let reachable = max_age.0 <= now.since(Timestamp::MIN);
    let (created_before, updated_before) = match measure {
        Measure::Created => (limit, None),
        Measure::Updated => (None, limit),
    };
    Filter {
        status: Some(match statuses {
            _ if !reachable => Vec::new(),
            Some(statuses) => statuses,
            None => DEFAULT_STATUSES.to_vec(),
        }),
        created_before,
        updated_before,
        trash: Trash::Exclude,
        ..Filter::default()
    }
}

crate::word_properties! {
    Measure: "created" => Created, "updated" => Updated;
}

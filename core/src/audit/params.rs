//! What the operations on the audit log take and answer.

use serde::Serialize;

use crate::audit::entry::Entry;
use crate::declare_params;
use crate::value::json::{Json, Object};
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

declare_params! {
    /// Which entries of the audit log to list.
    pub struct AuditLogParams {
        /// Only those of this moment and later.
        pub after: Option<Timestamp>,
        /// Only those before this moment.
        pub before: Option<Timestamp>,
        /// Only those of this kind, such as `dedup.run`, or of this group of kinds, such as `dedup`.
        pub kind: Option<Text>,
        /// Only those about this: a session, or the key of a run.
        pub subject: Option<Text>,
        /// How many at most: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }

    /// A day of the audit log.
    pub struct AuditDayParams {
        /// The day, as `2026-01-08` or `20260108`, in UTC; today by default.
        pub date: Option<Text>,
        /// How many runs at most: 1 to 1,000, 1,000 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }

    /// Which entries of the audit log to remove.
    pub struct AuditPurgeParams {
        /// Those of this age and older.
        pub older_than: Millis,
        /// Only say how many would be removed.
        pub dry_run: Option<bool>,
    }
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "AuditEntry"))]
pub struct AuditView {
    /// When it was entered.
    pub at: Timestamp,
    /// What has happened, such as `agent.decision` or `dedup.run`.
    pub kind: String,
    /// What it is about: a session, or the key of a run.
    pub subject: Option<String>,
    /// Everything that it says.
    #[cfg_attr(feature = "ts", ts(type = "JsonObject"))]
    pub data: Json,
}

impl From<Entry> for AuditView {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            kind: entry.kind(),
            subject: entry.subject(),
            data: entry.data,
        }
    }
}

/// A part of the audit log, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditView>,
    /// Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A run as the audit file of its day shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AuditRun {
    /// The key under which it is known.
    pub session_key: String,
    /// When it was entered, to the microsecond.
    pub timestamp: String,
    /// The event that has started it.
    pub event_type: String,
    /// The name of its workflow.
    pub workflow: String,
    /// Its number.
    pub run_id: String,
    /// The first characters of its commit.
    pub commit_sha: String,
    /// Whether it did its work.
    pub executed: bool,
    /// How its job ended.
    pub job_status: String,
    /// Whether it was one too many.
    pub duplicate_prevented: bool,
}

impl AuditRun {
    /// The run that an entry is about, if it is an entry of a run that has ended.
    pub fn of(entry: &Entry) -> Option<Self> {
        if entry.kind() != crate::audit::entry::DEDUP_RUN {
            return None;
        }
        let data = Object::parse(&entry.data);
        // A number of another program may be one, and not a text.
        let text = |name: &str| {
            let plain = || data.get(name).filter(|text| *text != "null");
            let text = data.text(name).or_else(|| plain().map(str::to_owned));
            text.unwrap_or_default()
        };
        let executed = data.read("executed").unwrap_or(false);
        Some(Self {
            session_key: entry.subject().unwrap_or_default(),
            timestamp: data.text("timestamp").unwrap_or_else(|| micros(entry.at)),
            event_type: text("event_type"),
            workflow: text("workflow"),
            run_id: text("run_id"),
            commit_sha: text("commit_sha"),
            executed,
            job_status: text("job_status"),
            duplicate_prevented: data.read("duplicate_prevented").unwrap_or(!executed),
        })
    }
}

/// A time to the microsecond, as `2026-01-08T18:05:30.123000Z`.
fn micros(at: Timestamp) -> String {
    let text = at.to_string();
    [text.strip_suffix('Z').unwrap_or(&text), "000Z"].concat()
}

/// A part of the runs of a day, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct AuditDay {
    /// The name of the file that such a day is kept in elsewhere: `session_audit_20260108.json`.
    pub file: String,
    /// The runs, as that file lists them.
    pub items: Vec<AuditRun>,
    /// Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Entries that were removed from the audit log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AuditPurged {
    /// How many.
    pub removed: u64,
    /// Whether they are still there, and were only counted.
    pub dry_run: bool,
}

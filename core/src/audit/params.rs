//! What the operations on the audit log take and answer.

use serde::Serialize;

use crate::audit::entry::Entry;
use crate::declare_params;
use crate::value::json::Json;
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

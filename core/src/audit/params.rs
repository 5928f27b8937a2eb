//! The parameters and replies of the operations on the audit log.

use serde::Serialize;

use crate::audit::entry::Entry;
use crate::declare_params;
use crate::store::filter::Direction;
use crate::value::json::Json;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

declare_params! {
    /// Which entries of the audit log to list.
    pub struct AuditLogParams {
        /// Only entries of this time or later.
        pub after: Option<Timestamp>,
        /// Only entries before this time.
        pub before: Option<Timestamp>,
        /// Only entries of this kind, such as `dedup.run`, or of this group of kinds, such as `dedup`.
        pub kind: Option<Text>,
        /// Only entries with this subject: the id of a session, or the key of a run or lease.
        pub subject: Option<Text>,
        /// The order: `"asc"` (the default) begins with the oldest entry, `"desc"` with the newest.
        pub order: Option<Direction>,
        /// The greatest number of entries in the page: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of a page. In the other order the entries on its other side follow.
        pub cursor: Option<Text>,
    }

    /// Which entries of the audit log to remove.
    pub struct AuditPurgeParams {
        /// The age from which entries are removed: milliseconds or text such as `"365d"`.
        pub older_than: Millis,
        /// Report how many would be removed, and remove nothing; `false` by default.
        pub dry_run: Option<bool>,
    }
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "AuditEntry"))]
pub struct AuditView {
    /// The time of the entry.
    pub at: Timestamp,
    /// The kind, such as `agent.decision` or `dedup.run`.
    pub kind: String,
    /// The subject: the id of a session, or the key of a run or lease; `null` if it has none.
    pub subject: Option<String>,
    /// The data of the entry, a JSON object.
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

/// A page of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditView>,
    /// The `cursor` of the next page; absent on the last page. A page may have fewer items than
    /// `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The result of removing entries of the audit log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AuditPurged {
    /// The number of entries that were removed, or would be removed.
    pub removed: u64,
    /// Whether the call was a dry run and removed nothing.
    pub dry_run: bool,
}

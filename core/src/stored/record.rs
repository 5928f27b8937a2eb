//! A record: a keyed value of a feature's own, such as a lease, an idempotency key or an audit entry.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::value::id::SessionId;
use crate::value::properties::{Properties, Stored};
use crate::value::time::{self, Timestamp};

/// The kind of the records that store entries of the audit log.
pub const AUDIT: &str = "audit";

/// A keyed value of a feature's own: an idempotency key, a lease, a queue entry. Its `body` is text
/// that only its feature reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredRecord"))]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The feature's name for this sort of record.
    pub kind: String,
    /// The key, unique within the kind.
    pub key: String,
    /// Counts the writes of the record; for [`Expect::Version`].
    pub version: u64,
    /// When it ceases to count. Stores keep it until it is removed.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub expires_at: Option<Timestamp>,
    /// The session with which the record is removed.
    #[serde(default)]
    pub owner: Option<SessionId>,
    /// The value.
    pub body: String,
}

impl Stored for Record {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            kind: properties.take("kind"),
            key: properties.take("key"),
            version: properties.take("version"),
            expires_at: properties.take("expires_at"),
            owner: properties.take("owner"),
            body: properties.take("body"),
        })
    }
}

crate::stored_properties!(Record);

//! A file of records. It holds records without an owner, and pointers to the sessions that own
//! other records. A pointer to a session that does not hold the record has no effect.

use serde::{Deserialize, Serialize};
use tenure_core::SessionId;
use tenure_core::stored::record::Record;

/// The records whose keys have the same hash, which is nearly always one record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) records: Vec<BucketEntry>,
}

/// A record, or a pointer to the session that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketEntry {
    pub(crate) kind: String,
    pub(crate) key: String,
    /// The session that holds the record.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<Record>,
}

impl Bucket {
    pub(crate) fn entry(&self, kind: &str, key: &str) -> Option<&BucketEntry> {
        self.records
            .iter()
            .find(|entry| entry.kind == kind && entry.key == key)
    }

    pub(crate) fn take(&mut self, kind: &str, key: &str) -> Option<BucketEntry> {
        let place = self
            .records
            .iter()
            .position(|entry| entry.kind == kind && entry.key == key)?;
        Some(self.records.swap_remove(place))
    }
}

//! A file of records: those that no session owns, and pointers to the sessions that own the others.
//! Where it points to a session that does not have the record, there is no such record.

use serde::{Deserialize, Serialize};
use tenure_core::SessionId;
use tenure_core::stored::record::Record;

/// The records whose keys have the same hash: nearly always one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) records: Vec<Slot>,
}

/// A record, or where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) kind: String,
    pub(crate) key: String,
    /// The session that has it.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<Record>,
}

impl Bucket {
    pub(crate) fn slot(&self, kind: &str, key: &str) -> Option<&Slot> {
        self.records
            .iter()
            .find(|slot| slot.kind == kind && slot.key == key)
    }

    pub(crate) fn take(&mut self, kind: &str, key: &str) -> Option<Slot> {
        let place = self
            .records
            .iter()
            .position(|slot| slot.kind == kind && slot.key == key)?;
        Some(self.records.swap_remove(place))
    }
}

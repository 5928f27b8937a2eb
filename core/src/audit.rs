//! An entry of the audit log: something that was decided, and when. This is the form in which
//! entries are kept as records, and no more; what is entered is decided elsewhere.

use crate::error::{Error, Result};
use crate::idempotency::Fingerprint;
use crate::json::{Json, Object};
use crate::phase::Phase;
use crate::session::Head;
use crate::store::{Expect, Record, RecordChange};
use crate::time::Timestamp;

/// The kind of the records that entries are kept in.
pub const KIND: &str = "audit";

/// The `kind` of an entry that says whether an agent is to be resumed.
pub const DECISION: &str = "agent.decision";
/// The `kind` of an entry that says how an agent's work ended.
pub const FINALIZATION: &str = "agent.finalization";
/// The `kind` of an entry that says how many agents a cleanup has removed.
pub const CLEANUP: &str = "agent.cleanup";

/// Something that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What: the text of a JSON object.
    pub data: Json,
}

impl Entry {
    /// What every entry of ours says: its kind, its time, and the session that it is about.
    pub(crate) fn members(kind: &str, at: Timestamp, subject: Option<&str>) -> Object<'static> {
        let mut data = Object::default();
        data.set("kind", kind);
        data.set("time", &at);
        data.set("subject", &Json::of_text(subject));
        data
    }

    /// The entry of an agent whose work has ended.
    pub fn finalization(head: &Head, outcome: Phase, at: Timestamp) -> Self {
        let mut data = Self::members(FINALIZATION, at, Some(head.id.as_str()));
        data.set("agent", &head.mode);
        data.set("outcome", &outcome);
        data.set("durationMs", &at.since(head.created_at));
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// The entry of a cleanup that has removed so many agents.
    pub fn cleanup(removed: u64, at: Timestamp) -> Self {
        let mut data = Self::members(CLEANUP, at, None);
        data.set("removed", &removed);
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// The change that enters it.
    pub fn to_change(&self) -> RecordChange {
        let record = self.to_record();
        RecordChange {
            kind: record.kind.clone(),
            key: record.key.clone(),
            expect: Expect::Any,
            record: Some(record),
        }
    }

    /// The record that keeps it. Keys sort by time, and two entries that say the same are one.
    pub fn to_record(&self) -> Record {
        let data = self.data.clone().compact();
        let digest = Fingerprint::of(KIND, data.as_str()).text();
        Record {
            kind: KIND.to_owned(),
            key: format!("{}/{digest}", self.at),
            version: 1,
            expires_at: None,
            owner: None,
            body: data.as_str().to_owned(),
        }
    }

    /// Reads the entry that a record keeps.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` when it keeps none.
    pub fn read(record: &Record) -> Result<Self> {
        let (at, _) = record.key.split_once('/').unwrap_or_default();
        let read = || {
            let data = Json::parse(record.body.clone())?;
            let at = Timestamp::parse(at)?;
            Ok(Self { at, data })
        };
        read().map_err(|_: Error| Error::StoreMisbehaved {
            method: "scan".to_owned(),
            problem: format!("the record of entry {:?} keeps none", record.key),
        })
    }
}

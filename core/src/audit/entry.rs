//! The audit log: what was decided, and when. This is the form in which its entries are kept as
//! records, and what they have in common; what is entered is decided elsewhere.

use crate::error::{Error, Result};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::record::Record;
use crate::value::fingerprint::Fingerprint;
use crate::value::json::{Json, Object};
use crate::value::time::Timestamp;

/// The kind of the records that entries are kept in.
pub const KIND: &str = "audit";

/// The `kind` of an entry that says whether an agent is to be resumed.
pub const DECISION: &str = "agent.decision";
/// The `kind` of an entry that says how an agent's work ended.
pub const FINALIZATION: &str = "agent.finalization";
/// The `kind` of an entry that says how many agents a cleanup has removed.
pub const CLEANUP: &str = "agent.cleanup";

/// The `kind` of an entry that says how a run of a workflow went. Entries of other programs say no
/// kind, and are of this one.
pub const RUN: &str = "dedup.run";
/// The `kind` of an entry that says that a lease was taken from its holder.
pub const LEASE_CLEAR: &str = "lease.clear";

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
    pub fn properties(kind: &str, at: Timestamp, subject: Option<&str>) -> Object<'static> {
        let mut data = Object::default();
        data.set("kind", kind);
        data.set("time", &at);
        data.set("subject", &Json::of_text(subject));
        data
    }

    /// What has happened. An entry of another program does not say: it is about a run.
    pub fn kind(&self) -> String {
        let kind = Object::parse(&self.data).text("kind");
        kind.unwrap_or_else(|| RUN.to_owned())
    }

    /// What it is about: a session, or the key of a run.
    pub fn subject(&self) -> Option<String> {
        let data = Object::parse(&self.data);
        data.text("subject").or_else(|| data.text("session_key"))
    }

    /// The entry of an agent whose work has ended.
    pub fn finalization(head: &Head, outcome: Phase, at: Timestamp) -> Self {
        let mut data = Self::properties(FINALIZATION, at, Some(head.id.as_str()));
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
        let mut data = Self::properties(CLEANUP, at, None);
        data.set("removed", &removed);
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// The entry of what was done about something that a holder had.
    pub fn about(kind: &str, subject: &str, holder: &str, at: Timestamp) -> Self {
        let mut data = Self::properties(kind, at, Some(subject));
        data.set("holder", holder);
        Self {
            at,
            data: data.to_json(),
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

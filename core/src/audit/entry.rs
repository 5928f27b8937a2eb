//! The entries of the audit log: their common properties, and the records that store them.

use crate::error::{Cause, Error, Result};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::record::Record;
use crate::value::fingerprint::Fingerprint;
use crate::value::json::{Json, Object};
use crate::value::time::Timestamp;

pub use crate::stored::record::AUDIT as KIND;

/// The `kind` of the entry for a decision whether to resume an agent.
pub const DECISION: &str = "agent.decision";
/// The `kind` of the entry for the end of an agent's work.
pub const FINALIZATION: &str = "agent.finalization";
/// The `kind` of the entry for a person's decision on an agent's request for approval.
pub const APPROVAL: &str = "agent.approval";
/// The `kind` of the entry for a request for approval that an override has withdrawn.
pub const APPROVAL_OVERRIDE: &str = "agent.approval_override";
/// The `kind` of the entry for a cleanup of agents.
pub const CLEANUP: &str = "agent.cleanup";

/// The `kind` of the entry for the end of a run of a workflow. Entries of other programs have no kind,
/// and are of this one.
pub const RUN: &str = "dedup.run";
/// The `kind` of the entry for a lease that was released regardless of its holder.
pub const LEASE_CLEAR: &str = "lease.clear";

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its time.
    pub at: Timestamp,
    /// Its data, a JSON object.
    pub data: Json,
}

impl Entry {
    /// The properties that every entry of Tenure has: its kind, its time and its subject.
    pub fn properties(kind: &str, at: Timestamp, subject: Option<&str>) -> Object<'static> {
        let mut data = Object::default();
        data.set("kind", kind);
        data.set("time", &at);
        data.set("subject", &Json::of_text(subject));
        data
    }

    /// Its kind. An entry of another program has none: it is about a run.
    pub fn kind(&self) -> String {
        let kind = Object::parse(&self.data).text("kind");
        kind.unwrap_or_else(|| RUN.to_owned())
    }

    /// Its subject: the id of a session, or the key of a run or lease.
    pub fn subject(&self) -> Option<String> {
        let data = Object::parse(&self.data);
        data.text("subject").or_else(|| data.text("session_key"))
    }

    /// The entry for the end of an agent's work.
    pub fn finalization(head: &Head, outcome: Phase, at: Timestamp) -> Self {
        Self::of_agent(FINALIZATION, head, at, |data| {
            data.set("outcome", &outcome);
            data.set("durationMs", &at.since(head.created_at));
        })
    }

    /// The entry for a person's decision on an agent's request for approval.
    pub fn approval(head: &Head, approved: bool, by: Option<&str>, at: Timestamp) -> Self {
        Self::of_agent(APPROVAL, head, at, |data| {
            data.set("approved", &approved);
            data.set("by", &Json::of_text(by));
        })
    }

    /// The entry for a request for approval that a call of this operation has overridden.
    pub fn approval_override(head: &Head, operation: &str, at: Timestamp) -> Self {
        Self::of_agent(APPROVAL_OVERRIDE, head, at, |data| {
            data.set("operation", operation);
        })
    }

    /// An entry about an agent, with the properties that `describe` adds.
    fn of_agent(
        kind: &str,
        head: &Head,
        at: Timestamp,
        describe: impl FnOnce(&mut Object<'_>),
    ) -> Self {
        let mut data = Self::properties(kind, at, Some(head.id.as_str()));
        data.set("agent", &head.mode);
        describe(&mut data);
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// The entry for a cleanup that has removed this number of agents.
    pub fn cleanup(removed: u64, at: Timestamp) -> Self {
        let mut data = Self::properties(CLEANUP, at, None);
        data.set("removed", &removed);
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// An entry about the lease of a holder.
    pub fn about(kind: &str, subject: &str, holder: &str, at: Timestamp) -> Self {
        let mut data = Self::properties(kind, at, Some(subject));
        data.set("holder", holder);
        Self {
            at,
            data: data.to_json(),
        }
    }

    /// The record that stores it. Keys sort by time, and two equal entries have the same key.
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

    /// Reads the entry that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` if the record is no entry.
    pub fn read(record: &Record) -> Result<Self> {
        let (at, _) = record.key.split_once('/').unwrap_or_default();
        let read = || {
            let data = Json::parse(&record.body)?;
            let at = Timestamp::parse(at)?;
            Ok(Self { at, data })
        };
        read().map_err(|_: Error| {
            Cause::StoreMisbehaved {
                method: "scan".to_owned(),
                problem: format!("the record of entry {:?} keeps none", record.key),
            }
            .into()
        })
    }
}

//! The changes of one operation, which a store applies atomically, and the outcome of the commit.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::feed::{Change, ChangeKind, EventRange};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::lease;
use crate::stored::record::{AUDIT, Record};
use crate::value::id::SessionId;
use crate::value::properties::{Properties, Stored};

/// All changes of one operation. A store applies them completely or not at all. No session and no
/// record is named twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Sessions to write or remove.
    pub sessions: Vec<SessionChange>,
    /// Records to write or remove.
    pub records: Vec<RecordChange>,
}

impl Changes {
    /// Whether the changes remove something, or move sessions to the trash, and write nothing else but
    /// records. A store keeps room for them, so that they succeed on a full disk.
    pub fn makes_room(&self) -> bool {
        let is_put = |change: &SessionChange| match &change.write {
            SessionWrite::Put { head, .. } => head.deleted_at.is_none(),
            SessionWrite::Delete => false,
        };
        let removes = |change: &RecordChange| change.record.is_none();
        match self.sessions.is_empty() {
            true => self.records.iter().any(removes),
            false => !self.sessions.iter().any(is_put),
        }
    }

    /// What the feed says of the changes, in its order: sessions first.
    pub fn feed(&self) -> Vec<Change> {
        let sessions = self.sessions.iter().map(|change| {
            let (kind, ends_history, events) = match &change.write {
                SessionWrite::Put {
                    change,
                    replace_history,
                    events,
                    ..
                } => (*change, *replace_history, events.as_slice()),
                SessionWrite::Delete => (ChangeKind::Deleted, true, Default::default()),
            };
            let ends = events.first().zip(events.last());
            Change {
                kind,
                key: change.id.to_string(),
                events: ends.map(|(first, last)| EventRange {
                    first: first.sequence,
                    last: last.sequence,
                }),
                ends_history,
            }
        });
        let records = self.records.iter().filter_map(RecordChange::feed);
        sessions.chain(records).collect()
    }
}

/// A change to one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SessionChange {
    /// The id of the session.
    pub id: SessionId,
    /// The precondition of the change.
    pub expect: Expect,
    /// The change.
    pub write: SessionWrite,
}

/// The change to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum SessionWrite {
    /// Write the head, and append events to the stored history.
    Put {
        /// The new head, with its new version.
        head: Box<Head>,
        /// What the feed says that the write does.
        #[serde(default)]
        change: ChangeKind,
        /// Whether the stored events are removed first.
        #[serde(rename = "replaceHistory")]
        replace_history: bool,
        /// New events, whose sequence numbers follow that of the last stored event.
        events: Vec<Event>,
    },
    /// Remove the session, its events and every record that it owns. It must work on a session
    /// that cannot be read.
    Delete,
}

/// The precondition of a change: the version of the stored session or record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Expect {
    /// Nothing.
    Absent,
    /// Something, of whatever version.
    Present,
    /// This version.
    Version {
        /// The version.
        version: u64,
    },
    /// Anything or nothing.
    Any,
}

impl Expect {
    /// Whether the stored version (`None` without a session or record) meets the precondition.
    pub fn allows(self, current: Option<u64>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::Version { version } => current == Some(version),
            Self::Any => true,
        }
    }

    /// What the feed says of a write with this precondition, if no more is known of it.
    pub fn change(self) -> ChangeKind {
        match self {
            Self::Absent => ChangeKind::Created,
            Self::Present | Self::Version { .. } | Self::Any => ChangeKind::Updated,
        }
    }

    /// Expects the version that was read; `None` expects that there is none.
    pub fn as_read(version: Option<u64>) -> Self {
        version.map_or(Self::Absent, |version| Self::Version { version })
    }
}

/// A change to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RecordChange {
    /// The record's kind.
    pub kind: String,
    /// The record's key.
    pub key: String,
    /// The precondition of the change.
    pub expect: Expect,
    /// The record to write, of the same kind and key; `None` removes it.
    #[serde(default)]
    pub record: Option<Record>,
}

impl RecordChange {
    /// The change that writes a record.
    pub fn put(expect: Expect, record: Record) -> Self {
        Self {
            kind: record.kind.clone(),
            key: record.key.clone(),
            expect,
            record: Some(record),
        }
    }

    /// What the feed says of the change, if the record is of a kind that it follows.
    fn feed(&self) -> Option<Change> {
        let record = self.record.as_ref();
        let version = record.map(|record| record.version);
        let kind = match self.kind.as_str() {
            // One that is written as it was read guards another change.
            lease::KIND if self.expect != Expect::as_read(version) => ChangeKind::Lease,
            AUDIT if record.is_some() => ChangeKind::Audit,
            _ => return None,
        };
        Some(Change {
            kind,
            key: self.key.clone(),
            events: None,
            ends_history: false,
        })
    }
}

/// The outcome of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Commit {
    /// Everything was written.
    Applied,
    /// Nothing was written: this session did not meet its precondition.
    SessionConflict {
        /// The session.
        id: SessionId,
        /// The version that is there.
        #[serde(default)]
        current: Option<u64>,
    },
    /// Nothing was written: this record did not meet its precondition.
    RecordConflict {
        /// The record's kind.
        #[serde(rename = "recordKind")]
        record_kind: String,
        /// The record's key.
        key: String,
        /// The version that is there.
        #[serde(default)]
        current: Option<u64>,
    },
}

impl Stored for Commit {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        let kind: String = properties.take("kind");
        match kind.as_str() {
            "applied" => Ok(Self::Applied),
            "sessionConflict" => Ok(Self::SessionConflict {
                id: properties.get("id")?,
                current: properties.take("current"),
            }),
            "recordConflict" => Ok(Self::RecordConflict {
                record_kind: properties.take("record_kind"),
                key: properties.take("key"),
                current: properties.take("current"),
            }),
            _ => Err(Error::invalid(
                "kind",
                "expected applied, sessionConflict with an id, or recordConflict with a recordKind \
                 and a key",
            )),
        }
    }
}

crate::stored_properties!(Commit);

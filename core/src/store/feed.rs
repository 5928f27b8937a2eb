//! The feed of a store: which sessions, leases and entries of the audit log its commits have changed, in
//! the order of the commits. Each change has a position. A store keeps the newest changes, and of each what
//! was changed, not the data: a reader of the feed reads the data as it is then.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::value::properties::{Properties, Stored};

/// What a change did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    /// A session was created.
    Created,
    /// A session was changed in any other way.
    #[default]
    Updated,
    /// A session was put into the trash.
    Trashed,
    /// A session was restored from the trash.
    Restored,
    /// A session was deleted.
    Deleted,
    /// A lease was written or removed.
    Lease,
    /// An entry was added to the audit log.
    Audit,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Updated,
        Self::Trashed,
        Self::Restored,
        Self::Deleted,
        Self::Lease,
        Self::Audit,
    ];

    /// The kind as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Trashed => "trashed",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::Lease => "lease",
            Self::Audit => "audit",
        }
    }

    /// The kind of this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

crate::word_properties! {
    ChangeKind:
        "created" => Created, "updated" => Updated, "trashed" => Trashed, "restored" => Restored,
        "deleted" => Deleted, "lease" => Lease, "audit" => Audit;
}

/// One change of a commit, before its store has given it a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredChange"))]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it did.
    pub kind: ChangeKind,
    /// The id of the session, or the key of the lease's or the entry's record.
    pub key: String,
    /// The events that it appended.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventRange>,
    /// Whether the events that the session had before it are gone.
    pub ends_history: bool,
}

/// The sequence numbers of events, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EventRange {
    /// The first sequence number.
    pub first: u64,
    /// The last sequence number.
    pub last: u64,
}

/// A change with its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct FedChange {
    /// Its position: greater than that of every earlier change.
    pub position: u64,
    /// What it did.
    pub kind: ChangeKind,
    /// The id of the session, or the key of the lease's or the entry's record.
    pub key: String,
    /// The events that it appended. Without those of a history that was removed or replaced since.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventRange>,
}

/// Which part of a feed to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct FeedQuery {
    /// Begin after this position; `null` reads no changes, only where the feed begins and ends.
    pub after: Option<u64>,
    /// How many changes at most; at least 1.
    pub limit: u32,
}

/// A part of a feed, and what there is of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct FeedPage {
    /// The changes, in the order of their positions.
    pub changes: Vec<FedChange>,
    /// The position after which every change is kept.
    pub kept_after: u64,
    /// The position of the newest change; 0 if nothing was changed yet.
    pub newest: u64,
}

impl FeedPage {
    /// Whether a reader can go on after this position: no later change was dropped, and the position is of
    /// this feed.
    pub fn continues(&self, after: u64) -> bool {
        (self.kept_after..=self.newest).contains(&after)
    }
}

impl Stored for EventRange {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            first: properties.take("first"),
            last: properties.take("last"),
        })
    }
}

impl Stored for FedChange {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            position: properties.take("position"),
            kind: properties.take("kind"),
            key: properties.take("key"),
            events: properties.take("events"),
        })
    }
}

impl Stored for FeedPage {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            changes: properties.take("changes"),
            kept_after: properties.take("kept_after"),
            newest: properties.take("newest"),
        })
    }
}

crate::stored_properties!(EventRange, FedChange, FeedPage);

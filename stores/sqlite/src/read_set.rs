//! The rows that an operation has read or written in its transaction. No other connection writes
//! meanwhile, so a commit need not read again which versions exist, under which keys, and which
//! indexed columns a new head changes.

use std::borrow::Cow;
use std::collections::HashMap;

use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Head, Phase, SessionId, Status, Timestamp};

/// The largest number of known sessions, and of known records. Beyond it they are forgotten, and a
/// commit reads what it needs.
const MAX_ROWS: usize = 4096;

/// The rows that an operation knows, each with its content or that it does not exist.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    sessions: HashMap<SessionId, Option<SessionRow>>,
    /// The versions of records by kind and key.
    records: HashMap<String, HashMap<String, Option<u64>>>,
}

/// The parts of a session's row that a commit needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) key: i64,
    pub(crate) version: u64,
    /// `None` if only the key and the version were read.
    indexed: Option<IndexedColumns>,
}

/// The values of the indexed columns, except `id`, which never changes, and `updated_at`, which
/// every write may change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IndexedColumns {
    status: Status,
    deleted_at: Option<Timestamp>,
    user_id: Option<String>,
    channel_id: Option<String>,
    mode: String,
    created_at: Timestamp,
    parent_id: Option<SessionId>,
    phase: Option<Phase>,
    slot: Option<(String, SlotPhase)>,
    model: Option<String>,
}

/// The [`IndexedColumns`] in which a new head differs from its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexChange {
    /// No column differs, as after an append.
    None,
    /// The status or the trash differs, as after a transition.
    Lifecycle,
    /// Other columns differ, or the values in the row are unknown.
    Any,
}

impl ReadSet {
    /// The state of a session's row; `None` if it is unknown.
    pub(crate) fn session(&self, id: &SessionId) -> Option<Option<&SessionRow>> {
        self.sessions.get(id).map(Option::as_ref)
    }

    /// The version of a record, or that it does not exist; `None` if that is unknown.
    pub(crate) fn record(&self, kind: &str, key: &str) -> Option<Option<u64>> {
        self.records.get(kind)?.get(key).copied()
    }

    /// Records the state of a session's row, or that it does not exist.
    pub(crate) fn note_session(&mut self, id: &SessionId, row: Option<SessionRow>) {
        if self.sessions.len() >= MAX_ROWS {
            self.sessions.clear();
        }
        self.sessions.insert(id.clone(), row);
    }

    /// Records the version of a record, or that it does not exist.
    pub(crate) fn note_record(&mut self, kind: &str, key: &str, version: Option<u64>) {
        if self.records.values().map(HashMap::len).sum::<usize>() >= MAX_ROWS {
            self.records.clear();
        }
        let records = match self.records.get_mut(kind) {
            Some(records) => records,
            None => self.records.entry(kind.to_owned()).or_default(),
        };
        records.insert(key.to_owned(), version);
    }

    /// Records that a session was removed together with the records that it owns. Which records
    /// these are is unknown, so every record that is known to exist is forgotten.
    pub(crate) fn note_removal(&mut self, id: &SessionId) {
        self.note_session(id, None);
        for records in self.records.values_mut() {
            records.retain(|_, version| version.is_none());
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl SessionRow {
    /// The row that holds `head`.
    pub(crate) fn of(key: i64, head: &Head) -> Self {
        Self {
            key,
            version: head.version,
            indexed: Some(IndexedColumns::of(head)),
        }
    }

    /// A row of which only the key and the version are known.
    pub(crate) fn unread(key: i64, version: u64) -> Self {
        Self {
            key,
            version,
            indexed: None,
        }
    }

    /// The indexed columns that `head` changes.
    pub(crate) fn index_change(&self, head: &Head) -> IndexChange {
        self.indexed
            .as_ref()
            .map_or(IndexChange::Any, |indexed| indexed.change_to(head))
    }
}

impl IndexedColumns {
    fn of(head: &Head) -> Self {
        Self {
            status: head.status,
            deleted_at: head.deleted_at,
            user_id: head.user_id.clone(),
            channel_id: head.channel_id.clone(),
            mode: head.mode.clone(),
            created_at: head.created_at,
            parent_id: head.parent_id.clone(),
            phase: head.agent.as_ref().map(|agent| agent.phase),
            slot: head
                .slot
                .as_ref()
                .map(|slot| (slot.task_id.clone(), slot.phase)),
            model: head.model().map(Cow::into_owned),
        }
    }

    fn change_to(&self, head: &Head) -> IndexChange {
        let slot = head.slot.as_ref();
        let others_stay = self.user_id == head.user_id
            && self.channel_id == head.channel_id
            && self.mode == head.mode
            && self.created_at == head.created_at
            && self.parent_id == head.parent_id
            && self.phase == head.agent.as_ref().map(|agent| agent.phase)
            && match (&self.slot, slot) {
                (None, None) => true,
                (Some((task, phase)), Some(slot)) => *task == slot.task_id && *phase == slot.phase,
                _ => false,
            }
            && self.model.as_deref() == head.model().as_deref();
        let lifecycle_stays = self.status == head.status && self.deleted_at == head.deleted_at;
        match (others_stay, lifecycle_stays) {
            (true, true) => IndexChange::None,
            (true, false) => IndexChange::Lifecycle,
            (false, _) => IndexChange::Any,
        }
    }
}

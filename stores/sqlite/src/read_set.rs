//! What an operation knows of the rows that it has read or written in its transaction. Nobody else
//! writes meanwhile, so a commit need not read again what the operation has read: it finds here
//! which versions there are, under which keys, and which indexed columns a new head changes.

use std::collections::HashMap;

use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Head, Phase, SessionId, Status, Timestamp};

/// Sessions known at most, and records. An operation that reads more forgets those, and a commit
/// reads again what it needs.
const MAX_ROWS: usize = 4096;

/// The rows that an operation knows. Of each it knows what it holds, or that there is none.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    sessions: HashMap<SessionId, Option<SessionRow>>,
    /// The versions of records by kind and key.
    records: HashMap<String, HashMap<String, Option<u64>>>,
}

/// What a commit needs to know of a session's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) key: i64,
    pub(crate) version: u64,
    /// `None` when only the key and the version were read.
    indexed: Option<IndexedColumns>,
}

/// The values of the indexed columns, other than `id`, which never changes, and `updated_at`, which
/// always may.
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
    slot: Option<(String, SlotPhase, String)>,
}

/// In which of the [`IndexedColumns`] a new head differs from the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexChange {
    /// In none, as that of an append.
    None,
    /// In its status or in whether it is in the trash, as that of a transition.
    Lifecycle,
    /// In others, or what the row holds is not known.
    Any,
}

impl ReadSet {
    /// What is known of a session; `None` when nothing is.
    pub(crate) fn session(&self, id: &SessionId) -> Option<Option<&SessionRow>> {
        self.sessions.get(id).map(Option::as_ref)
    }

    /// What is known of a record: its version, or that there is none; `None` when nothing is.
    pub(crate) fn record(&self, kind: &str, key: &str) -> Option<Option<u64>> {
        self.records.get(kind)?.get(key).copied()
    }

    /// Notes a session's row, or that there is none.
    pub(crate) fn note_session(&mut self, id: &SessionId, row: Option<SessionRow>) {
        if self.sessions.len() >= MAX_ROWS {
            self.sessions.clear();
        }
        self.sessions.insert(id.clone(), row);
    }

    /// Notes a record's version, or that there is none.
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

    /// Notes that a session is removed with the records that it owns. Which these are is not known,
    /// so any record that there was may be gone.
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

    /// A row of which no more than this was read.
    pub(crate) fn unread(key: i64, version: u64) -> Self {
        Self {
            key,
            version,
            indexed: None,
        }
    }

    /// What `head` changes in the indexed columns.
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
                .map(|slot| (slot.task_id.clone(), slot.phase, slot.model.clone())),
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
                (Some((task, phase, model)), Some(slot)) => {
                    *task == slot.task_id && *phase == slot.phase && *model == slot.model
                }
                _ => false,
            };
        let lifecycle_stays = self.status == head.status && self.deleted_at == head.deleted_at;
        match (others_stay, lifecycle_stays) {
            (true, true) => IndexChange::None,
            (true, false) => IndexChange::Lifecycle,
            (false, _) => IndexChange::Any,
        }
    }
}

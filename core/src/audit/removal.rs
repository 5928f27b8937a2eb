//! The audit entries for sessions that are put into the trash, restored or deleted. An entry is written
//! in the same commit as the change. A session that is superseded in its slot has an entry of another
//! kind instead.

use crate::audit::entry::Entry;
use crate::stored::slot::Slot;
use crate::value::id::SessionId;
use crate::value::time::Timestamp;

/// The `kind` of the entry for a session that was put into the trash.
pub const TRASH: &str = "session.trash";
/// The `kind` of the entry for a session that was restored from the trash.
pub const RESTORE: &str = "session.restore";
/// The `kind` of the entry for a session that was deleted.
pub const DELETE: &str = "session.delete";

/// The actor that removed a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The caller of an operation on this session.
    User,
    /// The cleanup of sessions by age.
    Cleanup,
    /// The purge of the trash.
    Purge,
    /// The cleanup of idle agents.
    AgentCleanup,
}

impl Actor {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Cleanup => "cleanup",
            Self::Purge => "purge",
            Self::AgentCleanup => "agent_cleanup",
        }
    }
}

impl Entry {
    /// The entry for the removal of a session. `slot` is absent if the session cannot be read.
    pub(crate) fn removal(
        kind: &str,
        id: &SessionId,
        slot: Option<&Slot>,
        by: Actor,
        at: Timestamp,
    ) -> Self {
        let mut data = Self::properties(kind, at, Some(id.as_str()));
        data.set("by", by.as_str());
        if let Some(slot) = slot {
            data.set("taskId", &slot.task_id);
            data.set("phase", &slot.phase);
        }
        Self {
            at,
            data: data.to_json(),
        }
    }
}

//! The entries of sessions that go: into the trash, out of it again, or for good. Each is written
//! together with what it tells of. A session that gives way to another in its slot has an entry of
//! another kind, and none of these.

use crate::audit::entry::Entry;
use crate::stored::slot::Slot;
use crate::value::id::SessionId;
use crate::value::time::Timestamp;

/// The `kind` of an entry that says that a session was put into the trash.
pub const TRASH: &str = "session.trash";
/// The `kind` of an entry that says that a session came out of the trash.
pub const RESTORE: &str = "session.restore";
/// The `kind` of an entry that says that a session was removed for good.
pub const DELETE: &str = "session.delete";

/// Actor what a session went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody asked for it.
    User,
    /// Its age.
    Cleanup,
    /// Its time in the trash.
    Purge,
    /// An agent's time without activity.
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
    /// The entry of a session that goes. Its slot is not known where it cannot be read.
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

//! What starting a session in a slot comes to: the one function that decides it. It is told who is in
//! the slot and what is asked, and says what is to happen and what people are told of it. What it says
//! holds if nobody has come into the slot meanwhile, which the store makes sure of.

use serde::{Deserialize, Serialize};

use crate::audit::entry::Entry;
use crate::stored::head::Head;
use crate::stored::model::{self, Model, ModelChange};
use crate::stored::status::Status;
use crate::value::time::Timestamp;

/// What becomes of a session with another model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum OnModelChange {
    /// It is replaced once somebody has confirmed it.
    #[default]
    Confirm,
    /// It is replaced at once.
    Replace,
    /// It stays.
    Reject,
}

/// What somebody asks of a slot.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The model that is to work in it.
    pub model: &'a Model,
    /// What becomes of a session with another one.
    pub on_model_change: OnModelChange,
    /// The session that somebody saw and agreed to replace: its id and version.
    pub confirmed: Option<(&'a str, u64)>,
    /// Whether what is completed is done again.
    pub rerun: bool,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The slot is free: a session is started.
    Create,
    /// The session that is there stays, for it has this model; perhaps in another minor version.
    Keep {
        /// Whether it is completed.
        finished: bool,
        /// What is different about its model.
        change: Option<ModelChange>,
    },
    /// The session that is there stays until somebody confirms that it is to be replaced.
    Ask,
    /// The session that is there goes, and another is started.
    Replace(ReplaceReason),
    /// The session that is there is no longer as it was when somebody confirmed that it is to be
    /// replaced.
    Busy,
    /// The session that is there stays.
    Reject,
}

/// Why a session is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// Another model is to do the work.
    ModelChange,
    /// It is completed, and to be done again.
    Rerun,
    /// It has failed.
    Failed,
    /// It ran out of iterations.
    Timeout,
    /// It was given up.
    Abandoned,
}

impl ReplaceReason {
    /// The name that crosses to JavaScript, and that the audit log says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelChange => "model_change",
            Self::Rerun => "rerun",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Decides: `occupant` is the session in the slot that is not in the trash.
pub fn decide(occupant: Option<&Head>, asked: Asked<'_>) -> Decision {
    let Some(occupant) = occupant else {
        return Decision::Create;
    };
    // What has ended without a result is in nobody's way.
    match occupant.status {
        Status::Failed => return Decision::Replace(ReplaceReason::Failed),
        Status::Timeout => return Decision::Replace(ReplaceReason::Timeout),
        Status::Abandoned => return Decision::Replace(ReplaceReason::Abandoned),
        Status::Active | Status::Paused | Status::Completed => {}
    }
    let change = occupant
        .slot
        .as_ref()
        .and_then(|slot| model::change(&slot.model(), asked.model));
    if change != Some(ModelChange::Major) {
        let finished = occupant.status == Status::Completed;
        return if finished && asked.rerun {
            Decision::Replace(ReplaceReason::Rerun)
        } else {
            Decision::Keep { finished, change }
        };
    }
    match (asked.on_model_change, asked.confirmed) {
        (OnModelChange::Reject, _) => Decision::Reject,
        // Whoever confirmed has seen one session in one state, and no other is meant.
        (_, Some((id, version))) if id != occupant.id.as_str() || version != occupant.version => {
            Decision::Busy
        }
        (OnModelChange::Confirm, None) => Decision::Ask,
        _ => Decision::Replace(ReplaceReason::ModelChange),
    }
}

/// The `kind` of an entry of the audit log that says which session was replaced by which.
pub const REPLACEMENT: &str = "slot.replacement";

/// The entry of a session that was replaced.
pub fn replacement(old: &Head, new: &Head, reason: ReplaceReason, at: Timestamp) -> Entry {
    let mut data = Entry::properties(REPLACEMENT, at, Some(old.id.as_str()));
    data.set("by", &new.id);
    data.set("reason", &reason);
    if let (Some(old), Some(new)) = (&old.slot, &new.slot) {
        data.set("taskId", &new.task_id);
        data.set("phase", &new.phase);
        data.set("from", &old.model());
        data.set("to", &new.model());
    }
    Entry {
        at,
        data: data.to_json(),
    }
}

crate::plain_properties!(OnModelChange);

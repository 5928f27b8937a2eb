//! The decision on starting a session in a slot. One pure function takes the current occupant of the
//! slot and the request, and decides whether a session is started and the occupant superseded. The
//! decision holds only if the slot has not changed meanwhile: the commit expects the versions that were
//! read.

use serde::{Deserialize, Serialize};

use crate::audit::entry::Entry;
use crate::stored::head::Head;
use crate::stored::model::{self, Model, ModelChange};
use crate::stored::status::Status;
use crate::value::time::Timestamp;

/// Whether a start supersedes an occupant with another model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum OnModelChange {
    /// It is superseded once the user has confirmed it.
    #[default]
    Confirm,
    /// It is superseded without confirmation.
    Replace,
    /// It stays, and the start is rejected.
    Reject,
}

/// A request to start a session in a slot.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The model of the new session.
    pub model: &'a Model,
    /// Whether an occupant with another model is superseded.
    pub on_model_change: OnModelChange,
    /// The id and version of the occupant that the user has agreed to replace.
    pub confirmed: Option<(&'a str, u64)>,
    /// Whether a completed occupant with the same model is superseded.
    pub rerun: bool,
    /// Whether the user wants to supersede an occupant with the same model.
    pub replace: bool,
}

/// The decision on a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The slot is free: start a session.
    Create,
    /// The occupant stays: it has this model, or another minor version of it.
    Keep {
        /// Whether it is completed.
        finished: bool,
        /// How its model differs.
        change: Option<ModelChange>,
    },
    /// The occupant stays until the user confirms that it is replaced, for this reason.
    Ask(ReplaceReason),
    /// Start a session that supersedes the occupant.
    Replace(ReplaceReason),
    /// The occupant has changed since the user confirmed that it is replaced.
    Busy,
    /// The occupant stays, and the start is rejected.
    Reject,
}

/// Why an occupant is superseded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// The new session has another model.
    ModelChange,
    /// The user has asked to replace a session of the same model.
    UserRequest,
    /// It is completed, and the caller runs it again.
    Rerun,
    /// It has failed.
    Failed,
    /// It has used all of its iterations.
    Timeout,
    /// It was abandoned.
    Abandoned,
}

impl ReplaceReason {
    /// The name in JavaScript and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelChange => "model_change",
            Self::UserRequest => "user_request",
            Self::Rerun => "rerun",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Decides on a start. `occupant` is the session in the slot, if there is one outside of the trash.
pub fn decide(occupant: Option<&Head>, request: Request<'_>) -> Decision {
    let Some(occupant) = occupant else {
        return Decision::Create;
    };
    // A session that has ended without a result does not block the slot.
    match occupant.status {
        Status::Failed => return Decision::Replace(ReplaceReason::Failed),
        Status::Timeout => return Decision::Replace(ReplaceReason::Timeout),
        Status::Abandoned => return Decision::Replace(ReplaceReason::Abandoned),
        Status::Active | Status::Paused | Status::Completed => {}
    }
    let change = occupant
        .slot
        .as_ref()
        .and_then(|slot| model::change(&slot.model(), request.model));
    // A confirmation is valid for the occupant and the version that the user has seen.
    let has_changed = request
        .confirmed
        .is_some_and(|(id, version)| id != occupant.id.as_str() || version != occupant.version);
    if change != Some(ModelChange::Major) {
        let finished = occupant.status == Status::Completed;
        return match request.confirmed {
            _ if finished && request.rerun && !request.replace => {
                Decision::Replace(ReplaceReason::Rerun)
            }
            _ if !request.replace => Decision::Keep { finished, change },
            None => Decision::Ask(ReplaceReason::UserRequest),
            Some(_) if has_changed => Decision::Busy,
            Some(_) => Decision::Replace(ReplaceReason::UserRequest),
        };
    }
    match (request.on_model_change, request.confirmed) {
        (OnModelChange::Reject, _) => Decision::Reject,
        (_, Some(_)) if has_changed => Decision::Busy,
        (OnModelChange::Confirm, None) => Decision::Ask(ReplaceReason::ModelChange),
        _ => Decision::Replace(ReplaceReason::ModelChange),
    }
}

/// The `kind` of the audit entry for a superseded session.
pub const REPLACEMENT: &str = "slot.replacement";

/// The audit entry for a superseded session.
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

crate::word_properties! {
    OnModelChange: "confirm" => Confirm, "replace" => Replace, "reject" => Reject;
}

//! The outcomes of starting a session in a slot, with their messages for people, and the messages for
//! the errors that a session in a slot may meet.

use serde::Serialize;

/// The message of a session whose model is missing.
pub const MODEL_MISSING: &str = "The model of this session is no longer available. It can be viewed, exported, deleted or replaced.";

/// What became of a session to start in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SlotOutcome {
    /// It was started: the slot was free.
    Created,
    /// There is one with this model.
    Existing,
    /// There is one with another model: ask whether it may be replaced, and call again with
    /// `confirm`.
    NeedsConfirmation,
    /// It was started, and the one before is in the trash.
    Replaced,
    /// Somebody else is changing the slot or the session in it.
    Busy,
    /// There is one with another model, and it stays.
    Rejected,
}

/// What became of a session to start in a slot, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SlotCode {
    /// A session was started in a free slot.
    SlotCreated,
    /// A session with this model is active or paused.
    SameModelActive,
    /// A session with this model is completed.
    SameModelFinished,
    /// A session with another model is there, and may be replaced.
    ModelChanged,
    /// A session was replaced.
    SlotReplaced,
    /// The session that was to be replaced is no longer as it was seen.
    SessionChanged,
    /// Somebody else is starting a session in the slot.
    SlotLocked,
    /// A session with another model is there, and stays.
    ModelRejected,
}

impl SlotCode {
    /// What people are told.
    pub const fn message(self) -> &'static str {
        match self {
            Self::SlotCreated => "The session was started.",
            Self::SameModelActive => {
                "This model is already at work on it. Open the session to follow its progress."
            }
            Self::SameModelFinished => {
                "This model has already finished it. Open the session to see the result, or run it again."
            }
            Self::ModelChanged => {
                "Another model has begun this. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?"
            }
            Self::SlotReplaced => "The session was started. The one before it is in the trash.",
            Self::SessionChanged | Self::SlotLocked => {
                "Somebody is changing this session right now. Wait a moment and try again."
            }
            Self::ModelRejected => {
                "Another model has begun this, and its session may not be replaced."
            }
        }
    }

    /// What people are told where the model of the session that is there is missing.
    pub(crate) fn message_of_missing(self) -> &'static str {
        match self {
            Self::ModelChanged => {
                "The model that has begun this is no longer available. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?"
            }
            Self::ModelRejected => {
                "The model that has begun this is no longer available, and its session may not be replaced. It can be viewed, exported or deleted."
            }
            _ => self.message(),
        }
    }

    /// What people are warned of before they agree.
    pub(crate) fn warning(self) -> Option<&'static str> {
        const LOST: &str = "Whatever the session has not saved is lost when it is replaced. Export it first to keep it.";
        matches!(self, Self::ModelChanged).then_some(LOST)
    }

    /// Whether a session was started.
    pub(crate) fn is_started(self) -> bool {
        matches!(self, Self::SlotCreated | Self::SlotReplaced)
    }

    /// What it comes to.
    pub fn outcome(self) -> SlotOutcome {
        match self {
            Self::SlotCreated => SlotOutcome::Created,
            Self::SameModelActive | Self::SameModelFinished => SlotOutcome::Existing,
            Self::ModelChanged => SlotOutcome::NeedsConfirmation,
            Self::SlotReplaced => SlotOutcome::Replaced,
            Self::SessionChanged | Self::SlotLocked => SlotOutcome::Busy,
            Self::ModelRejected => SlotOutcome::Rejected,
        }
    }
}

/// The messages for errors, by their codes: those of the core, and those of hosts.
pub const MESSAGES: &[(&str, &str)] = &[
    ("MODEL_MISSING", MODEL_MISSING),
    ("STORE_BUSY", SlotCode::SlotLocked.message()),
    ("SESSION_HELD", SlotCode::SlotLocked.message()),
    (
        "SLOT_TAKEN",
        "Another session is in its place. Put that one into the trash first.",
    ),
    (
        "SESSION_DELETED",
        "This session was replaced or put into the trash. Open the one that is there now.",
    ),
    ("STORE_UNAVAILABLE", UNREACHABLE),
    ("STORE_TIMEOUT", UNREACHABLE),
    ("SCHEMA_TOO_NEW", UNREACHABLE),
    ("CLOSED", UNREACHABLE),
    ("BINDING_UNAVAILABLE", UNREACHABLE),
    ("WASM_NOT_READY", UNREACHABLE),
    ("STORE_FAILED", NOT_STARTED),
    ("STORE_MISBEHAVED", NOT_STARTED),
    ("STORAGE_FULL", NOT_STARTED),
    ("OUTCOME_UNKNOWN", NOT_STARTED),
    ("CORRUPT_SESSION", NOT_STARTED),
];

const UNREACHABLE: &str = "Sessions cannot be reached right now. Try again in a few minutes.";
const NOT_STARTED: &str = "The session could not be started. Try again later.";

/// The message for an error of any other code.
pub const UNEXPECTED: &str =
    "Something went wrong that should not have. If it happens again, report it.";

/// The message for an error of this code.
pub fn message(code: &str) -> &'static str {
    MESSAGES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(UNEXPECTED, |(_, message)| message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn no_message_shows_people_a_code() {
        for code in Error::CODES {
            assert!(!message(code).contains('_'), "{code}");
        }
        assert_ne!(message("STORE_FAILED"), message("STORE_UNAVAILABLE"));
        assert_ne!(message("STORE_FAILED"), message("INTERNAL"));
    }
}

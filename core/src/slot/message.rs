//! The outcomes of starting a session in a slot, with their messages for users, and the messages for
//! the errors of sessions in slots.

use serde::Serialize;

/// The outcome of starting a session in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SlotOutcome {
    /// The session was started: the slot was free.
    Created,
    /// The occupant has this model and stays.
    Existing,
    /// The occupant has another model, or is to be replaced on request: ask the user whether it may be
    /// replaced, and call again with `confirm`.
    NeedsConfirmation,
    /// The session was started, and the superseded one is in the trash.
    Replaced,
    /// Another call is changing the slot or its occupant.
    Busy,
    /// The occupant has another model and stays.
    Rejected,
}

/// The outcome of starting a session in a slot, in more detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SlotCode {
    /// A session was started in a free slot.
    SlotCreated,
    /// The occupant has this model and is active or paused.
    SameModelActive,
    /// The occupant has this model and is completed.
    SameModelFinished,
    /// The occupant has another model and may be replaced.
    ModelChanged,
    /// The occupant has this model, and the caller wants to replace it.
    ReplacementRequested,
    /// A session was started that supersedes the occupant.
    SlotReplaced,
    /// The occupant has changed since the user confirmed that it is replaced.
    SessionChanged,
    /// Another call is starting a session in the slot.
    SlotLocked,
    /// The occupant has another model and stays.
    ModelRejected,
}

impl SlotCode {
    /// The message for users.
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
            Self::ReplacementRequested => {
                "This model has begun this already. If you go on, its session is replaced, and progress that was not saved is lost; you can export it first. Replace it?"
            }
            Self::SlotReplaced => "The session was started. The one before it is in the trash.",
            Self::SessionChanged | Self::SlotLocked => {
                "This session is being changed right now. Wait a moment and try again."
            }
            Self::ModelRejected => {
                "Another model has begun this, and its session may not be replaced."
            }
        }
    }

    /// The message for users if the model of the occupant is missing.
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

    /// The warning for users before they confirm, if a confirmation is needed.
    pub(crate) fn warning(self) -> Option<&'static str> {
        const LOST: &str = "Whatever the session has not saved is lost when it is replaced. Export it first to keep it.";
        (self.outcome() == SlotOutcome::NeedsConfirmation).then_some(LOST)
    }

    /// Whether a session was started.
    pub(crate) fn is_started(self) -> bool {
        matches!(self, Self::SlotCreated | Self::SlotReplaced)
    }

    /// The outcome that this code details.
    pub fn outcome(self) -> SlotOutcome {
        match self {
            Self::SlotCreated => SlotOutcome::Created,
            Self::SameModelActive | Self::SameModelFinished => SlotOutcome::Existing,
            Self::ModelChanged | Self::ReplacementRequested => SlotOutcome::NeedsConfirmation,
            Self::SlotReplaced => SlotOutcome::Replaced,
            Self::SessionChanged | Self::SlotLocked => SlotOutcome::Busy,
            Self::ModelRejected => SlotOutcome::Rejected,
        }
    }
}

/// The messages for users by error code, also for the codes of hosts. Only `INTERNAL` has none of its own.
pub const MESSAGES: &[(&str, &str)] = &[
    (
        "MODEL_MISSING",
        "The model is not available. Choose another one. A session of this model can be viewed, exported, deleted or replaced.",
    ),
    ("STORE_BUSY", SlotCode::SlotLocked.message()),
    ("SESSION_HELD", SlotCode::SlotLocked.message()),
    ("VERSION_CONFLICT", CHANGED),
    ("IDEMPOTENCY_MISMATCH", CHANGED),
    (
        "SLOT_TAKEN",
        "Another session is in its place. Put that one into the trash first.",
    ),
    (
        "SESSION_DELETED",
        "This session was replaced or put into the trash. Open the one that is there now.",
    ),
    (
        "SESSION_NOT_FOUND",
        "There is no such session. It may have been deleted.",
    ),
    (
        "SESSION_EXISTS",
        "There is a session of this name already. Open it, or choose another name.",
    ),
    (
        "SESSION_FINISHED",
        "This session has ended. Open it to see the result, or start another one.",
    ),
    ("INVALID_TRANSITION", NOT_POSSIBLE),
    ("INVALID_PHASE", NOT_POSSIBLE),
    (
        "BUDGET_EXHAUSTED",
        "This session has used all of its iterations. Allow more of them, or complete it.",
    ),
    (
        "APPROVAL_PENDING",
        "This session waits for an approval. Approve or deny it first.",
    ),
    (
        "APPROVAL_DECIDED",
        "Another person has decided on this already. Open the session to see the decision.",
    ),
    (
        "LEASE_LOST",
        "Another process has taken this session over. Open it to follow its progress.",
    ),
    ("INVALID_ARGUMENT", INVALID),
    ("INVALID_ID", INVALID),
    ("INVALID_CURSOR", INVALID),
    (
        "POSITION_EXPIRED",
        "Some changes are no longer kept. Load this again.",
    ),
    ("LAGGED", "Some changes were missed. Load this again."),
    (
        "NO_FEED",
        "This store does not tell what changes in it. Load this again to see changes.",
    ),
    (
        "FILE_UNREADABLE",
        "The file cannot be read. Choose another one, or try again.",
    ),
    ("TOO_LARGE", TOO_LARGE),
    ("TOO_DEEP", TOO_LARGE),
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
    ("UNSUPPORTED_STORE", NOT_SET_UP),
    ("UNSUPPORTED_OPERATION", NOT_SET_UP),
    ("UNKNOWN_OPERATION", NOT_SET_UP),
    ("STORE_IS_ASYNC", NOT_SET_UP),
    ("STORE_REENTERED", NOT_SET_UP),
    ("ABORTED", "This was stopped. Start it again to continue."),
    (
        "NOT_REMOVED",
        "Some old sessions could not be removed. Open them to see why.",
    ),
    (
        "ARCHIVE_FAILED",
        "A session could not be archived, so it stays in the trash. Try again later.",
    ),
    (
        "ARCHIVE_DAMAGED",
        "What is archived of this session is damaged. Report it to the operator of this program.",
    ),
    ("WEBHOOK_FAILED", UNREPORTED),
    ("LISTENER_FAILED", UNREPORTED),
    ("SERVER_BUSY", UNREACHABLE),
    ("UNAUTHORIZED", NO_ACCESS),
    ("FORBIDDEN", NO_ACCESS),
    (
        "READ_ONLY",
        "Sessions can only be viewed here. Change them where the store is.",
    ),
];

const CHANGED: &str = "This session has changed meanwhile. Open it again before you go on.";
const NOT_POSSIBLE: &str =
    "This is not possible in the state that the session is in. Open it to see its state.";
const INVALID: &str = "The request is not valid. Correct it and try again.";
const TOO_LARGE: &str = "The text is too large. Shorten it and try again.";
const UNREACHABLE: &str = "Sessions cannot be reached right now. Try again in a few minutes.";
const NOT_STARTED: &str = "The session could not be started. Try again later.";
const NOT_SET_UP: &str = "This program is not set up to do that. Report it to its operator.";
const NO_ACCESS: &str = "You have no access to these sessions. Open the link that you were given.";
const UNREPORTED: &str =
    "Another program could not be notified of a change. The session itself is as it should be.";

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
    }

    #[test]
    fn every_code_but_that_of_a_defect_has_words_of_its_own() {
        for code in Error::CODES {
            let has_own = message(code) != UNEXPECTED;
            assert_eq!(has_own, *code != "INTERNAL", "{code}");
        }
        assert_ne!(message("STORE_FAILED"), message("STORE_UNAVAILABLE"));
        assert_ne!(message("STORE_FAILED"), message("INTERNAL"));
    }
}

//! What people are told when a session could not be started in a slot, or could not go on, because of
//! an error. What starting comes to otherwise says so itself, in `calls`.

use crate::slot::params::{SlotCode, SlotSession};

/// The words for errors, by their codes: those of the core, and those of hosts.
pub const MESSAGES: &[(&str, &str)] = &[
    ("MODEL_MISSING", SlotSession::MODEL_MISSING),
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

/// The words for an error of any other code.
pub const UNEXPECTED: &str =
    "Something went wrong that should not have. If it happens again, report it.";

/// The words for an error of this code.
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

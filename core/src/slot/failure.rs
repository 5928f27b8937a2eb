//! What people are told when a session could not be started in a slot, or could not go on, because of
//! an error. What starting comes to otherwise says so itself, in `calls`.

use super::calls::{SlotCode, SlotSession};

/// The words for an error of this code.
pub fn message(code: &str) -> &'static str {
    match code {
        "MODEL_MISSING" => SlotSession::MODEL_MISSING,
        "STORE_BUSY" | "SESSION_HELD" => SlotCode::SlotLocked.message(),
        "SLOT_TAKEN" => "Another session is in its place. Put that one into the trash first.",
        "SESSION_DELETED" => {
            "This session was replaced or put into the trash. Open the one that is there now."
        }
        "STORE_UNAVAILABLE" | "STORE_TIMEOUT" | "SCHEMA_TOO_NEW" | "CLOSED" => {
            "Sessions cannot be reached right now. Try again in a few minutes."
        }
        "STORE_FAILED" | "STORE_MISBEHAVED" | "STORAGE_FULL" | "OUTCOME_UNKNOWN"
        | "CORRUPT_SESSION" => "The session could not be started. Try again later.",
        _ => "Something went wrong that should not have. If it happens again, report it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn no_message_shows_people_a_code() {
        for code in Error::CODES {
            assert!(!message(code).contains('_'), "{code}");
        }
        assert_ne!(message("STORE_FAILED"), message("STORE_UNAVAILABLE"));
        assert_ne!(message("STORE_FAILED"), message("INTERNAL"));
    }
}

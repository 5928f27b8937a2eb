//! How a case reports that a store fails it: as a value with a message that names the difference,
//! cut to a readable length. Nothing panics, so that every host can report a failure.

use std::fmt;
use std::panic::Location;

use tenure_core::Error;

/// Characters shown of each side of a difference, before and after the place where they differ.
const BEFORE: usize = 60;
const AFTER: usize = 240;

/// What a check ends with.
pub type Check<T = ()> = Result<T, Failure>;

/// What a store did wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The same failure, saying also where in a case it happened.
    #[must_use]
    pub fn within(self, context: impl fmt::Display) -> Self {
        Self(format!("{context}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The test harness prints the errors of tests in this form.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!(
            "the store answered with an error: {} ({error})",
            error.code()
        ))
    }
}

/// Fails unless both sides are equal.
#[track_caller]
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, actual: &T, expected: &T) -> Check {
    if actual == expected {
        return Ok(());
    }
    let (actual, expected) = (format!("{actual:?}"), format!("{expected:?}"));
    let parting = actual
        .chars()
        .zip(expected.chars())
        .take_while(|(a, b)| a == b)
        .count();
    Err(Failure(format!(
        "{}: {what}: expected {}, found {}",
        Location::caller(),
        excerpt(&expected, parting),
        excerpt(&actual, parting),
    )))
}

/// Fails unless the condition holds; `what` says what is wrong.
#[track_caller]
pub(crate) fn holds(condition: bool, what: impl fmt::Display) -> Check {
    if condition {
        Ok(())
    } else {
        Err(Failure(format!("{}: {what}", Location::caller())))
    }
}

/// The part of a text around a place, counted in characters.
fn excerpt(text: &str, place: usize) -> String {
    let start = place.saturating_sub(BEFORE);
    let mut rest = text.chars().skip(start);
    let part: String = rest.by_ref().take(BEFORE + AFTER).collect();
    let before = if start > 0 { "..." } else { "" };
    let after = if rest.next().is_some() { "..." } else { "" };
    format!("{before}{part}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_where_long_values_part() {
        let long = "é".repeat(1000);
        let failure = same("text", &format!("{long}a{long}"), &format!("{long}b{long}"));
        let message = failure.unwrap_err().to_string();
        assert!(message.contains("text: expected ...é"), "{message}");
        assert!(message.len() < 2000, "{message}");
        assert!(same("number", &1, &1).is_ok());
        assert!(same("prefix", &"a", &"ab").is_err());
    }
}

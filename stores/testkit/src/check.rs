//! The failure of a case: a value with a message that shows the difference, shortened to a readable
//! length. Nothing panics, so that every host can report failures.

use std::fmt;
use std::panic::Location;

use tenure_core::Error;

/// The number of characters that are shown before and after the first difference.
const BEFORE: usize = 60;
const AFTER: usize = 240;

/// The result of a check.
pub type Check<T = ()> = Result<T, Failure>;

/// The failure of a store.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The same failure, with the step of the case in which it occurred.
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

/// The test harness prints the error of a test in this form.
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

/// Fails unless the condition holds; `what` describes the failure.
#[track_caller]
pub(crate) fn holds(condition: bool, what: impl fmt::Display) -> Check {
    if condition {
        Ok(())
    } else {
        Err(Failure(format!("{}: {what}", Location::caller())))
    }
}

/// A part of a text around a position, counted in characters.
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
    fn a_failure_shows_the_first_difference_of_long_values() {
        let long = "é".repeat(1000);
        let failure = same("text", &format!("{long}a{long}"), &format!("{long}b{long}"));
        let message = failure.unwrap_err().to_string();
        assert!(message.contains("text: expected ...é"), "{message}");
        assert!(message.len() < 2000, "{message}");
        assert!(same("number", &1, &1).is_ok());
        assert!(same("prefix", &"a", &"ab").is_err());
    }
}

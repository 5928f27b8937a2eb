//! The metrics that handles count, in one list: what records store, what is shown, and what the alert rules are
//! checked against. The values of labels are words of Tenure, never texts of users, so that their number is
//! bounded.

use super::histogram::{CALLS, JOBS};

/// How a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows. Its name ends in `_total` where it is shown.
    Counter,
    /// Durations, with the upper bounds of the buckets in microseconds.
    Durations(&'static [u64]),
}

/// A metric with its labels.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name in records. It never changes.
    pub id: &'static str,
    /// Its name for Prometheus, without the `_total` of a counter.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// The names of its labels: at most two.
    pub labels: &'static [&'static str],
    /// The values of each label.
    pub words: &'static [Words],
    /// How it is counted.
    pub kind: Kind,
}

/// The values of a label.
#[derive(Debug, PartialEq, Eq)]
pub enum Words {
    /// These.
    Of(&'static [&'static str]),
    /// The names of operations.
    Operations,
}

impl Words {
    fn has(&self, word: &str) -> bool {
        match self {
            Self::Of(words) => words.contains(&word),
            Self::Operations => {
                let is_letter = |byte: u8| byte.is_ascii_alphabetic();
                (1..=MAX_OPERATION).contains(&word.len()) && word.bytes().all(is_letter)
            }
        }
    }
}

impl Family {
    /// The values of its labels in records, joined by [`SEPARATOR`], if all of them are known before anything is counted;
    /// else none.
    pub fn known_labels(&self) -> Vec<String> {
        let mut known = vec![String::new()];
        for (at, words) in self.words.iter().enumerate() {
            let Words::Of(words) = words else {
                return Vec::new();
            };
            let with = |before: &String, word: &str| match at {
                0 => word.to_owned(),
                _ => format!("{before}{SEPARATOR}{word}"),
            };
            known = known
                .iter()
                .flat_map(|before| words.iter().map(move |word| with(before, word)))
                .collect();
        }
        known
    }

    /// Whether these are values of its labels, joined by [`SEPARATOR`].
    pub(super) fn has_words(&self, labels: &str) -> bool {
        let words = labels.split(SEPARATOR);
        self.words
            .iter()
            .zip(words)
            .all(|(known, word)| known.has(word))
    }
}

/// The greatest length of the name of an operation.
const MAX_OPERATION: usize = 40;

/// The outcomes of operations.
const OUTCOMES: Words = Words::Of(&[
    "ok",
    "asked",
    "invalid",
    "not_found",
    "conflict",
    "refused",
    "store",
    "internal",
]);
/// The outcomes of starts in slots.
const STARTS: Words = Words::Of(&[
    "created",
    "existing",
    "needs_confirmation",
    "replaced",
    "busy",
    "rejected",
    "failed",
]);
/// The reasons of replacements.
const REASONS: Words = Words::Of(&[
    "model_change",
    "user_request",
    "rerun",
    "failed",
    "timeout",
    "abandoned",
]);
const LOCKING: Words = Words::Of(&["optimistic", "pessimistic"]);
const JOB_NAMES: Words = Words::Of(&["retention", "purge", "copy"]);

/// Separates the values of labels in records.
pub const SEPARATOR: char = '/';

macro_rules! families {
    ($($constant:ident = $id:literal, $name:literal [$($label:literal: $words:expr),*], $kind:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $constant: Family = Family {
                id: $id,
                name: concat!("tenure_", $name),
                help: $help,
                labels: &[$($label),*],
                words: &[$($words),*],
                kind: $kind,
            };
        )*

        /// All of them, in the order in which they are shown.
        pub static FAMILIES: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    OPERATIONS = "operations", "operations" ["operation": Words::Operations, "outcome": OUTCOMES], Kind::Counter,
        "Operations by name and outcome: ok, asked, or the class of the error.";
    OPERATION_DURATION = "operationDuration", "operation_duration_seconds" ["operation": Words::Operations],
        Kind::Durations(CALLS),
        "The time from the call of an operation to its answer.";
    SLOT_STARTS = "slotStarts", "slot_starts" ["outcome": STARTS], Kind::Counter,
        "Attempts to start a session in a slot, by outcome.";
    SLOT_REPLACEMENTS = "slotReplacements", "slot_replacements" ["reason": REASONS], Kind::Counter,
        "Sessions that were replaced in their slot, by reason.";
    SLOT_REPLACEMENT_DURATION = "slotReplacementDuration", "slot_replacement_duration_seconds" ["locking": LOCKING],
        Kind::Durations(CALLS),
        "The time of attempts that replaced a session, by the locking of the slot.";
    SLOT_LOOKUP_DURATION = "slotLookupDuration", "slot_lookup_duration_seconds" [],
        Kind::Durations(CALLS),
        "The time of looking up the sessions in slots.";
    SLOT_CONFLICTS = "slotConflicts", "slot_conflicts" [], Kind::Counter,
        "Write conflicts after which the decision about a slot was made again.";
    SLOT_LOCK_ACQUISITION = "slotLockAcquisition", "slot_lock_acquisition_duration_seconds" [],
        Kind::Durations(CALLS),
        "The time of attempts that acquired the lock of a slot, with the work under it.";
    SLOT_LOCK_CONTENTIONS = "slotLockContentions", "slot_lock_contentions" [], Kind::Counter,
        "Attempts that found the slot locked by another call.";
    SLOT_LOCK_WAIT = "slotLockWait", "slot_lock_wait_duration_seconds" [], Kind::Durations(CALLS),
        "The time from a call to the end of the attempt that acquired the lock: the waiting, the acquisition and the work under it.";
    SLOT_LOCK_TIMEOUTS = "slotLockTimeouts", "slot_lock_timeouts" [], Kind::Counter,
        "Calls that found the slot locked at every attempt.";
    SLOT_RETRIES = "slotRetries", "slot_retries" [], Kind::Counter,
        "Repeated attempts to start a session in a slot.";
    JOB_RUNS = "jobRuns", "job_runs" ["job_name": JOB_NAMES, "outcome": Words::Of(&["completed", "failed"])], Kind::Counter,
        "Passes of background jobs, by outcome: completed or failed.";
    JOB_DURATION = "jobDuration", "job_duration_seconds" ["job_name": JOB_NAMES], Kind::Durations(JOBS),
        "The time of a pass of a background job.";
    JOB_BATCHES = "jobBatches", "job_batches" ["job_name": JOB_NAMES], Kind::Counter,
        "Batches of sessions that background jobs have read.";
    JOB_SESSIONS = "jobSessions", "job_sessions" ["job_name": JOB_NAMES, "result": Words::Of(&["removed", "failed"])], Kind::Counter,
        "Sessions that background jobs have processed: removed, which moving to the trash and removing from it are each, or failed.";
    WEBHOOK_ATTEMPTS = "webhookAttempts", "webhook_attempts" ["outcome": Words::Of(&["delivered", "repeated", "failed"])], Kind::Counter,
        "Attempts to deliver to endpoints of webhooks, by outcome: delivered, repeated later, or failed for good.";
}

/// The family with this name in records.
pub fn find(id: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut names = BTreeSet::new();
        for family in FAMILIES {
            assert!(
                names.insert(family.name) && names.insert(family.id),
                "{family:?}"
            );
            let is_seconds = family.name.ends_with("_seconds");
            assert_eq!(is_seconds, family.kind != Kind::Counter, "{family:?}");
            assert!(!family.name.ends_with("_total"), "{family:?}");
            assert!(family.labels.len() <= 2, "{family:?}");
            // Prometheus has these labels itself.
            for label in ["le", "quantile", "job", "instance"] {
                assert!(!family.labels.contains(&label), "{family:?}");
            }
        }
    }
}

//! The progress of long work on one line of standard error, which is erased at the end. It is shown on
//! a terminal only.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tenure_core::store::Migration;

/// The least time between two updates of the line.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows how far the migration of a store is that the command opens.
pub(crate) fn of_migration(migration: Migration) {
    static LINE: Mutex<Option<Progress>> = Mutex::new(None);

    let Ok(mut line) = LINE.lock() else {
        return;
    };
    if migration.is_running {
        let Migration { step, steps, .. } = migration;
        line.get_or_insert_with(|| Progress::new(true))
            .update(|| format!("the store is brought into a newer form: step {step} of {steps}"));
    } else {
        *line = None;
    }
}

/// A progress line.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    last: Option<Instant>,
}

impl Progress {
    /// A line that is not printed yet. `wanted` says whether people read the output at all.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            shown: wanted && stderr().is_terminal(),
            last: None,
        }
    }

    /// Whether the line is shown.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Updates the line, unless it was updated a moment ago.
    pub(crate) fn update(&mut self, text: impl FnOnce() -> String) {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if self.shown && is_due {
            self.last = Some(Instant::now());
            // A progress line that cannot be written is no failure.
            let _ = write!(stderr(), "\r\x1b[K{}", text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

//! How far long work has come, on one line of standard error, which goes away with it. Only people
//! at a terminal see it.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Often enough to look alive.
const EVERY: Duration = Duration::from_millis(100);

/// A line that says how far the work has come.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    last: Option<Instant>,
}

impl Progress {
    /// Nothing to see yet. `wanted` is whether people look at all.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            shown: wanted && stderr().is_terminal(),
            last: None,
        }
    }

    /// Whether anybody sees it.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Says how far it is, if it is time to.
    pub(crate) fn say(&mut self, text: impl FnOnce() -> String) {
        let is_time = self.last.is_none_or(|last| last.elapsed() >= EVERY);
        if self.shown && is_time {
            self.last = Some(Instant::now());
            // Nobody minds if it cannot be shown.
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

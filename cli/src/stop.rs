//! Ctrl-C during work that goes step by step: the step that runs is finished, then the work stops.
//! Pressed again, it ends the command at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::{Exit, Failure};

/// Whether the user wants the work to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // Where the system does not let us listen, the signal ends the command, which is no
            // worse: every step is whole. The order counts: the second signal finds the flag set.
            let exit = i32::from(Exit::INTERRUPTED.0);
            let _ = flag::register_conditional_shutdown(signal, exit, Arc::clone(&stop.0));
            let _ = flag::register(signal, Arc::clone(&stop.0));
        }
        stop
    }

    /// Between two steps: goes on, or ends the work with a note that says how it goes on later.
    pub(crate) fn check(&self, note: &str) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted(note.to_owned()));
        }
        Ok(())
    }
}

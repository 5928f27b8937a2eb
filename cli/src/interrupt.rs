//! Ctrl-C during work in steps: the current step is finished, then the work stops. A second Ctrl-C
//! ends the command at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::{Exit, Failure};

/// Whether a signal has asked the work to stop.
#[derive(Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // Where the system does not let us listen, the signal ends the command. That is safe,
            // because every step is atomic. The order counts: the second signal finds the flag set.
            let exit = i32::from(Exit::INTERRUPTED.0);
            let _ = flag::register_conditional_shutdown(signal, exit, Arc::clone(&interrupt.0));
            let _ = flag::register(signal, Arc::clone(&interrupt.0));
        }
        interrupt
    }

    /// Whether the signal has come.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Checks for the signal between two steps.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] with a note that says how to continue.
    pub(crate) fn check(&self, note: &str) -> Result<(), Failure> {
        if self.is_requested() {
            return Err(Failure::Interrupted(note.to_owned()));
        }
        Ok(())
    }
}

//! Ctrl-C and SIGTERM during work in steps: the current step is finished, then the work stops, and the exit code says which signal it was. A
//! second one ends the command at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::{Exit, Failure};

/// Whether a signal has asked the work to stop.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    is_requested: Arc<AtomicBool>,
    /// The exit code that the signal asks for.
    exit: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let interrupt = Self::default();
        for (signal, exit) in [(SIGINT, Exit::INTERRUPTED), (SIGTERM, Exit::TERMINATED)] {
            let is_requested = || Arc::clone(&interrupt.is_requested);
            // Where the system does not let us listen, the signal ends the command. That is safe,
            // because every step is atomic. The order counts: the second signal finds the flag set,
            // and who finds it set finds the exit code.
            let Exit(code) = exit;
            let _ = flag::register_conditional_shutdown(signal, code.into(), is_requested());
            let _ = flag::register_usize(signal, Arc::clone(&interrupt.exit), code.into());
            let _ = flag::register(signal, is_requested());
        }
        interrupt
    }

    /// Whether the signal has come.
    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested.load(Ordering::SeqCst)
    }

    /// The exit code of work that goes on until a signal: that of the signal, or `done` if it has ended by itself.
    pub(crate) fn exit_or(&self, done: Exit) -> Exit {
        match self.is_requested() {
            true => self.exit(),
            false => done,
        }
    }

    /// The failure of work that the signal has stopped, with a note that says how to continue.
    pub(crate) fn failure(&self, note: &str) -> Failure {
        Failure::Interrupted(self.exit(), note.to_owned())
    }

    /// Checks for the signal between two steps.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] with a note that says how to continue.
    pub(crate) fn check(&self, note: &str) -> Result<(), Failure> {
        match self.is_requested() {
            true => Err(self.failure(note)),
            false => Ok(()),
        }
    }

    fn exit(&self) -> Exit {
        match u8::try_from(self.exit.load(Ordering::SeqCst)) {
            Ok(code @ 1..) => Exit(code),
            _ => Exit::INTERRUPTED,
        }
    }
}

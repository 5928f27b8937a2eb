//! Work on a thread of its own, whose end can be awaited without waiting for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tenure_core::Result;
use tenure_core::error::Cause;

/// The time between two looks whether a thread has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A thread in the background. Dropping it leaves the thread alone.
pub(crate) struct Background {
    end: Arc<Mutex<End>>,
    thread: JoinHandle<()>,
}

/// Whether a thread has ended, and what is called then.
#[derive(Default)]
enum End {
    #[default]
    Runs,
    Awaited(Box<dyn FnOnce() + Send>),
    Ended,
}

impl Background {
    /// Starts a thread.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the system starts no thread.
    pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<Self> {
        let end = Arc::new(Mutex::new(End::default()));
        let own = Arc::clone(&end);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Tells the end also after a panic.
                let _end = EndOnDrop(own);
                work();
            })
            .map_err(|error| Cause::StoreUnavailable {
                problem: format!("no thread could be started: {error}"),
            })?;
        Ok(Self { end, thread })
    }

    /// Calls `done` when it has ended, on any thread.
    pub(crate) fn ended(&self, done: impl FnOnce() + Send + 'static) {
        let mut end = unlocked(&self.end);
        match *end {
            End::Runs | End::Awaited(_) => *end = End::Awaited(Box::new(done)),
            End::Ended => {
                drop(end);
                done();
            }
        }
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) {
        while !self.thread.is_finished() {
            thread::sleep(PAUSE);
        }
    }
}

struct EndOnDrop(Arc<Mutex<End>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut *unlocked(&self.0), End::Ended);
        if let End::Awaited(done) = end {
            done();
        }
    }
}

/// Locks a mutex. While it is locked, nothing is done that could panic.
pub(crate) fn unlocked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

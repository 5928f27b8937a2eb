//! Who of this process may write to a file. SQLite's own lock makes waiters sleep and look again,
//! so that a busy writer thread would starve a caller who waits on its own thread. This one is
//! taken first, wakes at once, and lets waiting callers go before the writer thread; the thread
//! insists after a while, so that it does not starve either.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the writer thread lets callers go first.
const PATIENCE: Duration = Duration::from_millis(50);

/// The lock of one file.
#[derive(Debug, Default)]
pub(crate) struct WriteLock {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    /// Callers that wait.
    callers: u32,
    /// The writer thread has waited long enough.
    insisting: bool,
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct Held<'l>(&'l WriteLock);

impl WriteLock {
    /// Takes the lock for a caller, or gives up at `deadline`.
    pub(crate) fn for_caller(&self, deadline: Instant) -> Option<Held<'_>> {
        let mut state = self.state();
        state.callers += 1;
        while state.held || state.insisting {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        state.callers -= 1;
        if state.held || state.insisting {
            // The writer thread may have waited for this caller.
            self.freed.notify_all();
            return None;
        }
        state.held = true;
        Some(Held(self))
    }

    /// Takes the lock if nobody has it or waits for it.
    pub(crate) fn if_free(&self) -> Option<Held<'_>> {
        let mut state = self.state();
        if state.held || state.insisting || state.callers > 0 {
            return None;
        }
        state.held = true;
        Some(Held(self))
    }

    /// Takes the lock for the writer thread, of which there is one.
    pub(crate) fn for_writer(&self) -> Held<'_> {
        let insist_at = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.held || (state.callers > 0 && !state.insisting) {
            let left = insist_at.saturating_duration_since(Instant::now());
            state.insisting = left.is_zero();
            // Once it insists, whoever frees the lock wakes it; the time is then of no account.
            state = self.wait(state, left.max(PATIENCE));
        }
        state.insisting = false;
        state.held = true;
        Held(self)
    }

    /// Whether a caller waits for whoever holds the lock.
    pub(crate) fn is_wanted(&self) -> bool {
        self.state().callers > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic is done while the state is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>, time: Duration) -> MutexGuard<'s, State> {
        self.freed
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.state().held = false;
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn one_at_a_time_holds_it() {
        let lock = WriteLock::default();
        let held = lock.if_free().unwrap();
        assert!(lock.if_free().is_none());
        assert!(
            lock.for_caller(Instant::now() + Duration::from_millis(5))
                .is_none()
        );
        drop(held);
        assert!(lock.for_caller(soon()).is_some());
    }

    #[test]
    fn a_waiting_caller_goes_before_the_writer_and_the_writer_is_not_starved() {
        let lock = WriteLock::default();
        let (order, taken) = mpsc::channel();
        thread::scope(|scope| {
            let held = lock.for_writer();
            scope.spawn(|| {
                let _held = lock.for_caller(soon()).unwrap();
                order.send("caller").unwrap();
            });
            while !lock.is_wanted() {
                thread::yield_now();
            }
            drop(held);
            let _held = lock.for_writer();
            order.send("writer").unwrap();
        });
        assert_eq!(taken.try_iter().collect::<Vec<_>>(), ["caller", "writer"]);

        // Callers that always wait again leave the writer its turn.
        let (stop, stopped) = mpsc::channel::<()>();
        let stopped = Mutex::new(stopped);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while stopped.lock().unwrap().try_recv() == Err(mpsc::TryRecvError::Empty) {
                        let _held = lock.for_caller(soon());
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            for _ in 0..3 {
                drop(lock.for_writer());
            }
            drop(stop);
        });
    }
}

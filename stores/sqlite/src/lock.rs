//! The write lock of a file within this process. Waiters for SQLite's own lock sleep and retry, so
//! a busy writer thread would starve callers. This lock is acquired before SQLite's and wakes its
//! waiters. Callers have priority over the writer thread; after it has waited for a while, the
//! writer thread has priority over them, so it does not starve either.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long callers have priority over the writer thread.
const CALLERS_FIRST: Duration = Duration::from_millis(50);

/// The write lock of a file.
#[derive(Debug, Default)]
pub(crate) struct WriteLock {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    /// The number of waiting callers.
    callers: u32,
    /// Whether the writer thread has priority, because it has waited long enough.
    writer_first: bool,
    /// The number of waiting threads. Waking them costs a system call, so it is skipped if there
    /// are none.
    asleep: u32,
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct Held<'l>(&'l WriteLock);

impl WriteLock {
    /// Acquires the lock for a caller. Waits until `deadline`.
    pub(crate) fn for_caller(&self, deadline: Instant) -> Option<Held<'_>> {
        let mut state = self.state();
        state.callers += 1;
        while state.is_closed_to_callers() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        state.callers -= 1;
        if state.is_closed_to_callers() {
            // The writer thread may have waited for this caller.
            self.freed.notify_all();
            return None;
        }
        state.held = true;
        Some(Held(self))
    }

    /// Acquires the lock if it is free and no other thread waits for it.
    pub(crate) fn if_free(&self) -> Option<Held<'_>> {
        let mut state = self.state();
        if state.is_closed_to_callers() || state.callers > 0 {
            return None;
        }
        state.held = true;
        Some(Held(self))
    }

    /// Acquires the lock for the writer thread. A file has one writer thread.
    pub(crate) fn for_writer(&self) -> Held<'_> {
        let first_at = Instant::now() + CALLERS_FIRST;
        let mut state = self.state();
        while state.held || (state.callers > 0 && !state.writer_first) {
            let left = first_at.saturating_duration_since(Instant::now());
            state.writer_first = left.is_zero();
            // With priority, it is woken when the lock is released, so it needs no timeout.
            state = self.wait(state, left.max(CALLERS_FIRST));
        }
        state.writer_first = false;
        state.held = true;
        Held(self)
    }

    /// Whether a caller waits for the lock.
    pub(crate) fn is_wanted(&self) -> bool {
        self.state().callers > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while the state is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        time: Duration,
    ) -> MutexGuard<'s, State> {
        state.asleep += 1;
        let (mut state, _) = self
            .freed
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner);
        state.asleep -= 1;
        state
    }
}

impl State {
    fn is_closed_to_callers(&self) -> bool {
        self.held || self.writer_first
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held = false;
        if state.asleep > 0 {
            drop(state);
            self.0.freed.notify_all();
        }
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
    fn one_thread_at_a_time_holds_the_lock() {
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
    fn a_waiting_caller_has_priority_and_the_writer_is_not_starved() {
        let lock = WriteLock::default();
        let (order, acquired) = mpsc::channel();
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
        assert_eq!(
            acquired.try_iter().collect::<Vec<_>>(),
            ["caller", "writer"]
        );

        // Callers that wait again and again do not starve the writer.
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

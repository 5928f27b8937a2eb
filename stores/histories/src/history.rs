//! Recording a history. The times are those of one clock, so all clients are called by one process, also where they
//! are processes themselves: what happens in a client happens between the call and the return that are recorded.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An operation of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<I, O> {
    /// What was called.
    pub input: I,
    /// When it was called, since the history began.
    pub called: Duration,
    /// When it returned, and with which outcome; `None` if that is unknown.
    pub returned: Option<(Duration, O)>,
}

/// Records the operations of many clients.
#[derive(Debug)]
pub struct Recorder<I, O> {
    began: Instant,
    operations: Mutex<Vec<Operation<I, O>>>,
}

/// An operation that was called and has not returned.
#[derive(Debug)]
#[must_use = "an operation that is dropped is not in the history"]
pub struct Running<I> {
    input: I,
    called: Duration,
}

impl<I, O> Default for Recorder<I, O> {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            operations: Mutex::default(),
        }
    }
}

impl<I, O> Recorder<I, O> {
    /// An operation that is called now.
    pub fn call(&self, input: I) -> Running<I> {
        Running {
            input,
            called: self.began.elapsed(),
        }
    }

    /// Records that an operation returns now.
    pub fn returned(&self, running: Running<I>, output: O) {
        let returned = Some((self.began.elapsed(), output));
        self.add(running, returned);
    }

    /// Records an operation that may or may not take effect, now or later.
    pub fn is_unknown(&self, running: Running<I>) {
        self.add(running, None);
    }

    /// Leaves out an operation that has failed without an effect. If it had one, the others would show it.
    pub fn had_no_effect(&self, running: Running<I>) {
        drop(running);
    }

    /// The history, in the order of the calls.
    pub fn into_history(self) -> Vec<Operation<I, O>> {
        let operations = self.operations.into_inner();
        let mut operations = operations.unwrap_or_else(PoisonError::into_inner);
        operations.sort_by_key(|operation| operation.called);
        operations
    }

    fn add(&self, Running { input, called }: Running<I>, returned: Option<(Duration, O)>) {
        self.operations().push(Operation {
            input,
            called,
            returned,
        });
    }

    fn operations(&self) -> MutexGuard<'_, Vec<Operation<I, O>>> {
        // A list of operations is complete after each push.
        self.operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the writer thread of a file has to do: jobs in the order in which they came, and checkpoints.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tenure_core::{Error, Result};
use tenure_store_transaction::{Done, Job};

use crate::options::SqliteOptions;

/// A job in the queue.
pub(crate) struct Task {
    pub(crate) job: Job,
    pub(crate) done: Done,
    pub(crate) options: SqliteOptions,
    /// When it has waited for its busy timeout.
    deadline: Instant,
}

/// What there is to do.
pub(crate) struct Work {
    pub(crate) jobs: bool,
    pub(crate) checkpoint: bool,
}

/// The completions of jobs, and what each of them receives.
pub(crate) type Results = Vec<(Done, Result<String>)>;

/// The queue of a file.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is something to do, or the thread is to end.
    work: Condvar,
    /// The last job is done.
    idle: Condvar,
    /// Jobs that are not yet committed.
    pending: AtomicUsize,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Jobs that were taken from the queue and are not yet done.
    running: usize,
    checkpoint: bool,
    ending: bool,
    thread: Option<JoinHandle<()>>,
}

impl Task {
    pub(crate) fn new(job: Job, done: Done, options: &SqliteOptions) -> Self {
        Self {
            job,
            done,
            options: options.clone(),
            deadline: Instant::now() + Duration::from_millis(options.busy_timeout_ms.into()),
        }
    }
}

/// For handles.
impl Queue {
    /// Whether jobs wait for their commit.
    pub(crate) fn is_busy(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }

    /// Puts a job into the queue. Without a thread, `start` starts one; if it cannot, the job is
    /// done with its error.
    pub(crate) fn push(&self, task: Task, start: impl FnOnce() -> Result<JoinHandle<()>>) {
        let mut state = self.state();
        if let Err(error) = state.ensure_thread(start) {
            drop(state);
            (task.done)(Err(error));
            return;
        }
        self.pending.fetch_add(1, Ordering::AcqRel);
        state.tasks.push_back(task);
        self.work.notify_one();
    }

    /// Requests a checkpoint. Without a thread, `start` starts one.
    pub(crate) fn request_checkpoint(&self, start: impl FnOnce() -> Result<JoinHandle<()>>) {
        let mut state = self.state();
        // Without a thread the log grows until there is one; nothing else depends on it.
        if state.ensure_thread(start).is_ok() {
            state.checkpoint = true;
            self.work.notify_one();
        }
    }

    /// Waits until every job that is in the queue now is done.
    pub(crate) fn drain(&self) {
        let mut state = self.state();
        if state.is_on_thread() {
            return;
        }
        while !state.tasks.is_empty() || state.running > 0 {
            state = wait(&self.idle, state);
        }
    }

    /// Ends the thread, after what is in the queue.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ending = true;
        self.work.notify_one();
        if state.is_on_thread() {
            return;
        }
        if let Some(thread) = state.thread.take() {
            drop(state);
            // The thread catches the panics of what it calls; it has none of its own.
            let _ = thread.join();
        }
    }
}

/// For the thread.
impl Queue {
    /// Waits for something to do. There is nothing more when the queue has ended.
    pub(crate) fn wait(&self) -> Option<Work> {
        let mut state = self.state();
        while state.tasks.is_empty() && !state.checkpoint && !state.ending {
            state = wait(&self.work, state);
        }
        if state.tasks.is_empty() && state.ending {
            return None;
        }
        Some(Work {
            jobs: !state.tasks.is_empty(),
            checkpoint: std::mem::take(&mut state.checkpoint),
        })
    }

    /// Under which options the first jobs, at most `count`, can run together, and until when the
    /// first of them waits.
    pub(crate) fn terms(&self, count: usize) -> Option<(SqliteOptions, Instant)> {
        let state = self.state();
        let first = state.tasks.front()?;
        let mut options = first.options.clone();
        for task in state.tasks.iter().take(count) {
            options.durability = options.durability.max(task.options.durability);
        }
        Some((options, first.deadline))
    }

    /// Takes the first job, if it can run under these options.
    pub(crate) fn next(&self, options: &SqliteOptions) -> Option<Task> {
        let mut state = self.state();
        let next = state.tasks.front()?;
        let fits = next.options.durability <= options.durability
            && next.options.max_bytes == options.max_bytes;
        if !fits {
            return None;
        }
        state.running += 1;
        state.tasks.pop_front()
    }

    /// Refuses every job in the queue with an error.
    pub(crate) fn refuse_all(&self, error: &Error) {
        self.refuse(error, |_| true);
    }

    /// Refuses the first jobs with an error, as far as their deadlines have passed; all of them, if
    /// `deadline` has not, as the error is not that the wait was too long.
    pub(crate) fn refuse_expired(&self, error: &Error, deadline: Instant) {
        let now = Instant::now();
        self.refuse(error, |task| deadline > now || task.deadline <= now);
    }

    fn refuse(&self, error: &Error, applies: impl Fn(&Task) -> bool) {
        let mut state = self.state();
        let mut results = Results::new();
        while state.tasks.front().is_some_and(&applies)
            && let Some(task) = state.tasks.pop_front()
        {
            state.running += 1;
            results.push((task.done, Err(error.clone())));
        }
        drop(state);
        self.finish(results);
    }

    /// Calls the completions of jobs that were taken.
    pub(crate) fn finish(&self, results: Results) {
        let count = results.len();
        // What comes now comes after the commit, and need not queue.
        self.pending.fetch_sub(count, Ordering::AcqRel);
        for (done, result) in results {
            // A completion that panics does not keep the others from being called.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
        }
        let mut state = self.state();
        state.running -= count;
        if state.running == 0 && state.tasks.is_empty() {
            self.idle.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic is done while the state is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ensure_thread(&mut self, start: impl FnOnce() -> Result<JoinHandle<()>>) -> Result<()> {
        if self.thread.is_none() && !self.ending {
            self.thread = Some(start()?);
        }
        Ok(())
    }

    /// Whether this is the queue's thread.
    fn is_on_thread(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| thread.thread().id() == thread::current().id())
    }
}

fn wait<'s>(condition: &Condvar, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

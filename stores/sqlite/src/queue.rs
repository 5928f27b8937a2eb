//! The work of a file's writer thread: queued jobs in their order, checkpoints, and sessions that an index
//! lacks.

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
    /// The end of the job's busy timeout.
    deadline: Instant,
}

/// The work that is due.
pub(crate) struct Work {
    pub(crate) jobs: bool,
    pub(crate) checkpoint: bool,
    pub(crate) texts: bool,
}

/// The completions of jobs, each with its result.
pub(crate) type Results = Vec<(Done, Result<String>)>;

/// The queue of a file.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Signals that work is due, or that the thread is to end.
    work: Condvar,
    /// Signals that all jobs are done.
    idle: Condvar,
    /// The number of jobs that are not committed yet.
    pending: AtomicUsize,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// The number of jobs that were taken from the queue and are not done.
    running: usize,
    checkpoint: bool,
    /// Whether the index of texts lacks sessions.
    texts: bool,
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

/// The methods for handles.
impl Queue {
    /// Whether queued jobs are not committed yet.
    pub(crate) fn is_busy(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }

    /// Queues a job. If there is no thread, `start` starts one. If that fails, the job is done with
    /// the error.
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

    /// Requests a checkpoint. If there is no thread, `start` starts one.
    pub(crate) fn request_checkpoint(&self, start: impl FnOnce() -> Result<JoinHandle<()>>) {
        let mut state = self.state();
        // Without a thread there is no checkpoint, and the log keeps growing.
        if state.ensure_thread(start).is_ok() {
            state.checkpoint = true;
            self.work.notify_one();
        }
    }

    /// Requests that a part of the sessions is added to the index of texts. If there is no thread, `start`
    /// starts one.
    pub(crate) fn request_texts(&self, start: impl FnOnce() -> Result<JoinHandle<()>>) {
        let mut state = self.state();
        // Without a thread the index lacks more and more sessions, which lists look at.
        if !state.ending && state.ensure_thread(start).is_ok() {
            state.texts = true;
            self.work.notify_one();
        }
    }

    /// Waits until every job that is queued now is done.
    pub(crate) fn drain(&self) {
        let mut state = self.state();
        if state.is_on_thread() {
            return;
        }
        while !state.tasks.is_empty() || state.running > 0 {
            state = wait(&self.idle, state);
        }
    }

    /// Ends the thread after the queued jobs.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ending = true;
        self.work.notify_one();
        if state.is_on_thread() {
            return;
        }
        if let Some(thread) = state.thread.take() {
            drop(state);
            // The thread catches panics of jobs and completions, so it does not panic itself.
            let _ = thread.join();
        }
    }
}

/// The methods for the writer thread.
impl Queue {
    /// Waits for work. Returns `None` when the queue has ended.
    pub(crate) fn wait(&self) -> Option<Work> {
        let mut state = self.state();
        while state.tasks.is_empty() && !state.checkpoint && !state.texts && !state.ending {
            state = wait(&self.work, state);
        }
        // A part that was requested is added at the end, too: handles may be opened for single calls.
        if state.tasks.is_empty() && !state.texts && state.ending {
            return None;
        }
        Some(Work {
            jobs: !state.tasks.is_empty(),
            checkpoint: std::mem::take(&mut state.checkpoint),
            texts: std::mem::take(&mut state.texts),
        })
    }

    /// The options under which the first jobs, at most `count`, can run in one transaction, and the
    /// deadline of the first job.
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

    /// Refuses the first jobs whose deadlines have passed. If `deadline` has not passed, the cause
    /// was not the wait, so all jobs are refused.
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
        // Later writes come after the commit, so they do not have to queue.
        self.pending.fetch_sub(count, Ordering::AcqRel);
        for (done, result) in results {
            // A panic in a completion does not affect the other jobs.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
        }
        let mut state = self.state();
        state.running -= count;
        if state.running == 0 && state.tasks.is_empty() {
            self.idle.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while the state is locked.
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

    /// Whether the current thread is the writer thread.
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

//! The writer thread of a file. It takes the jobs that have come together, runs them in their order
//! inside one transaction, each under a savepoint, and says that they are done after the commit. It
//! also copies the write-ahead log into the database, which nobody else does.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tenure_core::{Error, Result, SyncStore};

use crate::database::Database;
use crate::file::Shared;
use crate::options::SqliteOptions;
use crate::unit::{Undo, Unit};

/// An operation for the writer thread. It answers with a text that only its caller reads.
pub type Job = Box<dyn FnOnce(&dyn SyncStore) -> String + Send>;
/// What is called with a job's answer once it is kept, or with the reason why it is not. It runs on
/// the writer thread and must be quick.
pub type Done = Box<dyn FnOnce(Result<String>) + Send>;

/// Jobs in one transaction at most.
const BATCH: usize = 256;
/// How long a transaction takes further jobs; callers on other threads may be waiting.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// A job in the queue.
struct Task {
    job: Job,
    done: Done,
    options: SqliteOptions,
    /// When it has waited for its busy timeout.
    deadline: Instant,
}

/// The queue of a file and its thread.
#[derive(Default)]
pub(crate) struct Writer {
    state: Mutex<State>,
    /// There is something to do, or the thread is to end.
    work: Condvar,
    /// The last job was answered.
    idle: Condvar,
    /// Jobs that are not yet committed.
    pending: AtomicUsize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    /// Jobs taken from the queue and not yet answered.
    taken: usize,
    checkpoint: bool,
    ending: bool,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Whether jobs wait for their commit.
    pub(crate) fn is_busy(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic is done while the state is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Puts a job into the queue.
    pub(crate) fn enqueue(self: &Arc<Self>, job: Job, done: Done, options: &SqliteOptions) {
        let mut state = self.writer.state();
        if let Err(error) = self.start_thread(&mut state, options) {
            drop(state);
            done(Err(error));
            return;
        }
        self.writer.pending.fetch_add(1, Ordering::AcqRel);
        state.queue.push_back(Task {
            job,
            done,
            options: options.clone(),
            deadline: Instant::now() + Duration::from_millis(options.busy_timeout_ms.into()),
        });
        self.writer.work.notify_one();
    }

    /// Has the write-ahead log copied into the database soon.
    pub(crate) fn request_checkpoint(self: &Arc<Self>, options: &SqliteOptions) {
        let mut state = self.writer.state();
        // Without a thread the log grows until there is one; nothing else depends on it.
        if self.start_thread(&mut state, options).is_ok() {
            state.checkpoint = true;
            self.writer.work.notify_one();
        }
    }

    /// Waits until every job that is in the queue now has been answered.
    pub(crate) fn drain(&self) {
        let mut state = self.writer.state();
        if is_this_thread(&state) {
            return;
        }
        while !state.queue.is_empty() || state.taken > 0 {
            state = self
                .writer
                .idle
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the thread, after what is in the queue.
    pub(crate) fn end_thread(&self) {
        let mut state = self.writer.state();
        state.ending = true;
        self.writer.work.notify_one();
        if is_this_thread(&state) {
            return;
        }
        if let Some(thread) = state.thread.take() {
            drop(state);
            // The thread catches the panics of what it calls; of its own it has none.
            let _ = thread.join();
        }
    }

    fn start_thread(self: &Arc<Self>, state: &mut State, options: &SqliteOptions) -> Result<()> {
        if state.thread.is_some() || state.ending {
            return Ok(());
        }
        let shared = Arc::clone(self);
        let options = options.clone();
        let thread = thread::Builder::new()
            .name("tenure-sqlite".to_owned())
            .spawn(move || shared.write_on(&options))
            .map_err(|error| Error::StoreUnavailable {
                problem: format!("no thread could be started to write on: {error}"),
            })?;
        state.thread = Some(thread);
        Ok(())
    }

    /// What the thread does.
    fn write_on(self: Arc<Self>, options: &SqliteOptions) {
        let mut database = None;
        loop {
            let mut state = self.writer.state();
            while state.queue.is_empty() && !state.checkpoint && !state.ending {
                state = self
                    .writer
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if state.queue.is_empty() && state.ending {
                return;
            }
            let checkpoint = std::mem::take(&mut state.checkpoint);
            let jobs = !state.queue.is_empty();
            drop(state);
            match self.connected(&mut database, options) {
                Ok(database) => {
                    if jobs {
                        self.write_batch(database);
                    }
                    if checkpoint {
                        self.checkpoint(database);
                    }
                }
                Err(error) => self.refuse(&error, |_| true),
            }
        }
    }

    fn connected<'d>(
        self: &Arc<Self>,
        database: &'d mut Option<Database>,
        options: &SqliteOptions,
    ) -> Result<&'d Database> {
        match database {
            Some(database) => Ok(database),
            none => Ok(none.insert(self.connect(options)?)),
        }
    }

    /// Runs what is in the queue, as far as it fits into one transaction.
    fn write_batch(&self, database: &Database) {
        let Some((options, deadline)) = self.terms() else {
            return;
        };
        let held = self.lock.for_writer();
        let begun = database
            .suit(&options)
            .and_then(|()| database.begin_until(deadline));
        let transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) => {
                drop(held);
                // Where others were in the way, those that came later may wait longer.
                let now = Instant::now();
                self.refuse(&error, |task| deadline > now || task.deadline <= now);
                return;
            }
        };
        let mut batch = Batch::default();
        let ran = self.run_jobs(database, &options, &mut batch);
        if let Err(error) = ran.and_then(|()| transaction.commit()) {
            batch.fail(&error);
        }
        // Callers can go on while the answers are given.
        drop(held);
        self.answer(batch);
    }

    fn run_jobs(
        &self,
        database: &Database,
        options: &SqliteOptions,
        batch: &mut Batch,
    ) -> Result<()> {
        let end = Instant::now() + BATCH_TIME;
        while let Some(Task { job, done, .. }) = self.next_task(options, batch.answers.len()) {
            let answer = match run_job(database, job) {
                Ok(answer) => Ok(answer),
                Err(JobEnd::Panicked(error)) => Err(error),
                Err(JobEnd::TransactionLost(error)) => {
                    batch.answers.push((done, Err(error.clone())));
                    return Err(error);
                }
            };
            batch.answers.push((done, answer));
            if self.lock.is_wanted() || Instant::now() >= end {
                break;
            }
        }
        Ok(())
    }

    /// What suits the jobs at the head of the queue, and until when the first of them waits.
    fn terms(&self) -> Option<(SqliteOptions, Instant)> {
        let state = self.writer.state();
        let first = state.queue.front()?;
        let mut options = first.options.clone();
        for task in state.queue.iter().take(BATCH) {
            options.durability = options.durability.max(task.options.durability);
        }
        Some((options, first.deadline))
    }

    /// The next job, if it may run in a batch of these options.
    fn next_task(&self, options: &SqliteOptions, taken: usize) -> Option<Task> {
        let mut state = self.writer.state();
        let next = state.queue.front()?;
        let suits = next.options.durability <= options.durability
            && next.options.max_bytes == options.max_bytes;
        if taken >= BATCH || !suits {
            return None;
        }
        state.taken += 1;
        state.queue.pop_front()
    }

    /// Answers the jobs at the head of the queue that are `meant` with an error, unrun.
    fn refuse(&self, error: &Error, meant: impl Fn(&Task) -> bool) {
        let mut state = self.writer.state();
        let mut batch = Batch::default();
        while state.queue.front().is_some_and(&meant)
            && let Some(task) = state.queue.pop_front()
        {
            state.taken += 1;
            batch.answers.push((task.done, Err(error.clone())));
        }
        drop(state);
        self.answer(batch);
    }

    fn answer(&self, batch: Batch) {
        let count = batch.answers.len();
        // What comes now comes after the commit, and need not queue.
        self.writer.pending.fetch_sub(count, Ordering::AcqRel);
        for (done, answer) in batch.answers {
            // A caller's panic is the caller's loss; the others are answered.
            let _ = catch_unwind(AssertUnwindSafe(|| done(answer)));
        }
        let mut state = self.writer.state();
        state.taken -= count;
        if state.taken == 0 && state.queue.is_empty() {
            self.writer.idle.notify_all();
        }
    }
}

#[derive(Default)]
struct Batch {
    answers: Vec<(Done, Result<String>)>,
}

impl Batch {
    fn fail(&mut self, error: &Error) {
        for (_, answer) in &mut self.answers {
            *answer = Err(error.clone());
        }
    }
}

/// Why a job has no answer.
enum JobEnd {
    /// It panicked, and what it wrote was undone.
    Panicked(Error),
    /// The transaction is gone, with what the other jobs wrote.
    TransactionLost(Error),
}

fn run_job(database: &Database, job: Job) -> Result<String, JobEnd> {
    database
        .run("commit", "SAVEPOINT job")
        .map_err(JobEnd::TransactionLost)?;
    let unit = Unit::new(database, Undo::Savepoint);
    let answer = catch_unwind(AssertUnwindSafe(|| job(&unit)));
    if let Some(error) = unit.ended() {
        return Err(JobEnd::TransactionLost(error));
    }
    if answer.is_err() {
        database
            .run("commit", "ROLLBACK TO job")
            .map_err(JobEnd::TransactionLost)?;
    }
    database
        .run("commit", "RELEASE job")
        .map_err(JobEnd::TransactionLost)?;
    answer.map_err(|panic| {
        JobEnd::Panicked(Error::internal(format!(
            "an operation panicked: {}",
            said(&*panic)
        )))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it did not say why")
}

fn is_this_thread(state: &State) -> bool {
    state
        .thread
        .as_ref()
        .is_some_and(|thread| thread.thread().id() == thread::current().id())
}

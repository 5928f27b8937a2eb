//! The writer of a file, which its handles share. Its thread runs queued jobs in order inside one
//! transaction, each with a savepoint, and calls their completions after the commit. It also
//! performs the checkpoints, which no other thread does, and keeps the index of texts up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tenure_core::error::Cause;
use tenure_core::{Error, Result};
use tenure_reserve::Reserve;
use tenure_store_transaction::{Done, Job, panicked};

use crate::database::{Database, Transaction, log_bytes};
use crate::lock::WriteLock;
use crate::log::Log;
use crate::options::SqliteOptions;
use crate::presence::Presence;
use crate::queue::{Queue, Results, Task};
use crate::schema;
use crate::unit::{Undo, Unit};

/// The maximum number of jobs in one transaction.
const BATCH: usize = 256;
/// How long a transaction takes further jobs, because callers on other threads may be waiting.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// The pause between two parts of sessions that are added to the index of texts. Writers of other processes
/// look for a free lock more often than that.
const TURN: Duration = Duration::from_millis(1);

/// The writer of a file.
pub(crate) struct Writer {
    path: Arc<Path>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) lock: WriteLock,
    pub(crate) queue: Queue,
    pub(crate) log: Log,
    pub(crate) reserve: Reserve,
}

impl Writer {
    /// The writer of the file at a path. Its thread starts when it has work.
    pub(crate) fn new(path: Arc<Path>, presence: Presence, reserve: Reserve) -> Self {
        Self {
            path,
            presence: Arc::new(presence),
            lock: WriteLock::default(),
            queue: Queue::default(),
            log: Log::default(),
            reserve,
        }
    }

    /// Queues a job.
    pub(crate) fn enqueue(self: &Arc<Self>, job: Job, done: Done, options: &SqliteOptions) {
        let task = Task::new(job, done, options);
        self.queue.push(task, || self.start_thread(options));
    }

    /// Makes this connection refuse commits when the files of the store are gone, and requests a
    /// checkpoint after commits that leave a long log.
    pub(crate) fn watch(
        self: &Arc<Self>,
        database: &mut Database,
        options: &SqliteOptions,
    ) -> Result<()> {
        database.refuse_unless_present(&self.presence);
        let (writer, given) = (Arc::clone(self), options.clone());
        database.on_lacking_texts(move || writer.add_texts(&given));
        let writer = Arc::clone(self);
        let options = options.clone();
        database.on_commit(move |pages| {
            writer.presence.note_log(log_bytes(pages));
            if writer.log.needs_checkpoint(pages) {
                writer
                    .queue
                    .request_checkpoint(|| writer.start_thread(&options));
            }
        })
    }

    /// Commits a transaction. If it makes room on a disk that is nearly full, it gets the room that is
    /// kept for that.
    ///
    /// # Errors
    /// Those of [`Transaction::commit`], and `SCHEMA_TOO_NEW`.
    pub(crate) fn commit(
        &self,
        database: &Database,
        transaction: Transaction<'_>,
        makes_room: bool,
    ) -> Result<()> {
        schema::refuse_newer(database)?;
        if !makes_room || !self.reserve.is_needed() {
            return transaction.commit();
        }
        let released = self.reserve.release();
        let committed = transaction.commit();
        self.copy_log_if_it_fits(database);
        self.reserve.restore(released);
        committed
    }

    /// Copies the log into the database, so that later writes use its room, unless that needs more
    /// room than there is. An incomplete copy would consume the room and free nothing. The caller holds
    /// the write lock.
    fn copy_log_if_it_fits(&self, database: &Database) {
        let growth = database.growth_by_log();
        if growth.is_ok_and(|growth| self.reserve.free().is_none_or(|free| growth <= free)) {
            // Nothing depends on it.
            let _ = database.checkpoint("PASSIVE", Duration::ZERO);
        }
    }

    /// Performs a checkpoint. Called on the writer thread.
    fn checkpoint(&self, database: &Database) {
        if self.reserve.is_needed() {
            let _held = self.lock.for_writer();
            self.copy_log_if_it_fits(database);
        } else {
            let free = self.reserve.free();
            self.log.checkpoint(database, &self.lock, free);
        }
    }

    /// Requests a checkpoint after a commit that found the disk full. It makes the room of the log
    /// available if the database has free pages.
    pub(crate) fn use_log_again(self: &Arc<Self>, options: &SqliteOptions) {
        if self.reserve.is_needed() {
            self.queue.request_checkpoint(|| self.start_thread(options));
        }
    }

    /// Requests that the sessions which the index of texts lacks are added to it, a part at a time.
    pub(crate) fn add_texts(self: &Arc<Self>, options: &SqliteOptions) {
        self.queue.request_texts(|| self.start_thread(options));
    }

    /// Adds a part of the sessions that the index of texts lacks. Called on the writer thread.
    fn add_part_of_texts(self: &Arc<Self>, database: &Database, options: &SqliteOptions) {
        // What is left of the disk is for sessions.
        if self.reserve.is_needed() {
            return;
        }
        let held = self.lock.for_writer();
        let added = database.add_texts();
        drop(held);
        thread::sleep(TURN);
        // After a failure, the next list that lacks them requests it again.
        if added.is_ok_and(|more| more) {
            self.add_texts(options);
        }
    }

    fn start_thread(self: &Arc<Self>, options: &SqliteOptions) -> Result<JoinHandle<()>> {
        let writer = Arc::clone(self);
        let options = options.clone();
        thread::Builder::new()
            .name("tenure-sqlite".to_owned())
            .spawn(move || writer.work(&options))
            .map_err(|error| {
                Cause::StoreUnavailable {
                    problem: format!("no thread could be started to write on: {error}"),
                }
                .into()
            })
    }

    /// The main loop of the thread.
    fn work(self: Arc<Self>, options: &SqliteOptions) {
        let mut database = None;
        while let Some(work) = self.queue.wait() {
            match self.connected(&mut database, options) {
                Ok(database) => {
                    if work.jobs {
                        self.write_batch(database);
                    }
                    if work.checkpoint {
                        self.checkpoint(database);
                    }
                    if work.texts {
                        self.add_part_of_texts(database, options);
                    }
                }
                Err(error) => self.queue.refuse_all(&error),
            }
        }
    }

    /// The connection of the thread, which is opened when it is first needed.
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

    fn connect(self: &Arc<Self>, options: &SqliteOptions) -> Result<Database> {
        self.presence.check()?;
        let mut database = Database::connect(&self.path, options)?;
        database.set_up(options)?;
        self.watch(&mut database, options)?;
        Ok(database)
    }

    /// Runs queued jobs, as many as fit into one transaction.
    fn write_batch(&self, database: &Database) {
        let Some((options, deadline)) = self.queue.terms(BATCH) else {
            return;
        };
        let held = self.lock.for_writer();
        let begun = database
            .apply_pragmas(&options)
            .and_then(|()| database.begin_until(deadline));
        let transaction = match begun {
            Ok(transaction) => transaction,
            Err(error) => {
                drop(held);
                self.queue.refuse_expired(&error, deadline);
                return;
            }
        };
        let mut results = Results::new();
        let ran = self.run_jobs(database, &options, &mut results);
        let mut is_log_full = false;
        let committed = ran.and_then(|makes_room| self.commit(database, transaction, makes_room));
        if let Err(error) = committed {
            is_log_full = is_full(&error) && self.reserve.is_needed();
            for (_, result) in &mut results {
                *result = Err(error.clone());
            }
        }
        // Callers can write while the completions run.
        drop(held);
        if is_log_full {
            // Makes the room of the log available if the database has free pages.
            self.checkpoint(database);
        }
        self.queue.finish(results);
    }

    fn run_jobs(
        &self,
        database: &Database,
        options: &SqliteOptions,
        results: &mut Results,
    ) -> Result<bool> {
        let mut makes_room = false;
        let end = Instant::now() + BATCH_TIME;
        while results.len() < BATCH
            && let Some(Task { job, done, .. }) = self.queue.next(options)
        {
            let result = match run_job(database, job) {
                Ok((result, job_makes_room)) => {
                    makes_room |= job_makes_room;
                    Ok(result)
                }
                Err(JobEnd::Panicked(error)) => Err(error),
                Err(JobEnd::TransactionLost(error)) => {
                    results.push((done, Err(error.clone())));
                    return Err(error);
                }
            };
            results.push((done, result));
            if self.lock.is_wanted() || Instant::now() >= end {
                break;
            }
        }
        Ok(makes_room)
    }
}

/// Whether an error is that of a full disk.
pub(crate) fn is_full(error: &Error) -> bool {
    matches!(error.cause(), Cause::StorageFull { .. })
}

/// Why a job has no result.
enum JobEnd {
    /// The job panicked, and its writes were rolled back.
    Panicked(Error),
    /// The transaction has ended, and the writes of the other jobs are lost.
    TransactionLost(Error),
}

/// Runs a job. Returns its result, and whether it makes room on the disk.
fn run_job(database: &Database, job: Job) -> Result<(String, bool), JobEnd> {
    database
        .run("commit", "SAVEPOINT job")
        .map_err(JobEnd::TransactionLost)?;
    let unit = Unit::new(database, Undo::Savepoint);
    let result = catch_unwind(AssertUnwindSafe(|| job(&unit)));
    if let Some(error) = unit.ended() {
        return Err(JobEnd::TransactionLost(error));
    }
    if result.is_err() {
        database
            .run("commit", "ROLLBACK TO job")
            .map_err(JobEnd::TransactionLost)?;
    }
    database
        .run("commit", "RELEASE job")
        .map_err(JobEnd::TransactionLost)?;
    result
        .map(|result| (result, unit.makes_room()))
        .map_err(|panic| JobEnd::Panicked(panicked(&*panic)))
}

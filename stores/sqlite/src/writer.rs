//! The writer of a file, which its handles share. Its thread runs queued jobs in order inside one
//! transaction, each with a savepoint, and calls their completions after the commit. It also
//! performs the checkpoints, which no other thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tenure_core::error::Cause;
use tenure_core::{Error, Result};
use tenure_store_transaction::{Done, Job, panicked};

use crate::database::Database;
use crate::lock::WriteLock;
use crate::log::Log;
use crate::options::SqliteOptions;
use crate::presence::Presence;
use crate::queue::{Queue, Results, Task};
use crate::unit::{Undo, Unit};

/// The maximum number of jobs in one transaction.
const BATCH: usize = 256;
/// How long a transaction takes further jobs, because callers on other threads may be waiting.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// The writer of a file.
pub(crate) struct Writer {
    path: Arc<Path>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) lock: WriteLock,
    pub(crate) queue: Queue,
    pub(crate) log: Log,
}

impl Writer {
    /// The writer of the file at a path. Its thread starts when it has work.
    pub(crate) fn new(path: Arc<Path>, presence: Presence) -> Self {
        Self {
            path,
            presence: Arc::new(presence),
            lock: WriteLock::default(),
            queue: Queue::default(),
            log: Log::default(),
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
        let writer = Arc::clone(self);
        let options = options.clone();
        database.on_commit(move |pages| {
            if writer.log.needs_checkpoint(pages) {
                writer
                    .queue
                    .request_checkpoint(|| writer.start_thread(&options));
            }
        })
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
                        self.log.checkpoint(database, &self.lock);
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
        if let Err(error) = ran.and_then(|()| transaction.commit()) {
            for (_, result) in &mut results {
                *result = Err(error.clone());
            }
        }
        // Callers can write while the completions run.
        drop(held);
        self.queue.finish(results);
    }

    fn run_jobs(
        &self,
        database: &Database,
        options: &SqliteOptions,
        results: &mut Results,
    ) -> Result<()> {
        let end = Instant::now() + BATCH_TIME;
        while results.len() < BATCH
            && let Some(Task { job, done, .. }) = self.queue.next(options)
        {
            let result = match run_job(database, job) {
                Ok(result) => Ok(result),
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
        Ok(())
    }
}

/// Why a job has no result.
enum JobEnd {
    /// The job panicked, and its writes were rolled back.
    Panicked(Error),
    /// The transaction has ended, and the writes of the other jobs are lost.
    TransactionLost(Error),
}

fn run_job(database: &Database, job: Job) -> Result<String, JobEnd> {
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
    result.map_err(|panic| JobEnd::Panicked(panicked(&*panic)))
}

//! A handle on a SQLite store.

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Tally;
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};

use crate::database::{Database, Transaction};
use crate::file::File;
use crate::options::SqliteOptions;
use crate::unit::{Undo, Unit};
use crate::writer::{Done, Job};
use crate::{CAPABILITIES, schema};
use tenure_core::store::Durability;

/// A handle on a SQLite store, for one thread at a time. Any number of handles, of any number of
/// processes, may share a file.
pub struct SqliteStore {
    // Dropped in this order: the writer thread, if this was the last handle, then the connection,
    // which as the last one copies the write-ahead log into the database.
    file: Arc<File>,
    database: Database,
    options: SqliteOptions,
    /// A transaction of this handle is running.
    inside: Cell<bool>,
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.options.brief && self.database.has_short_log() {
            self.database.leave_log();
        }
    }
}

/// What came of [`SqliteStore::try_transaction`].
#[derive(Debug)]
pub enum Attempt<R, J> {
    /// The job ran, and this is its answer, or why its writes were not kept.
    Answered(Result<R>),
    /// It would have had to wait. Here is the job, which did not run.
    Busy(J),
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.database.path())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in the file at `path`. The file, and the folders it is in, are made if they
    /// do not exist. Other processes may be opening the same file.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when there is no file to be had or it is not Tenure's, `SCHEMA_TOO_NEW`
    /// when a newer Tenure wrote it, `STORAGE_FULL`, and `UNSUPPORTED_STORE` for `:memory:`.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
            return Err(Error::UnsupportedStore {
                url: format!("sqlite:{}", path.display()),
                problem: "name a file, or use `memory:`".to_owned(),
            });
        }
        // Absolute, so that it stays the same file when the working directory changes, and so that
        // no path is taken for one of SQLite's URIs.
        let path: Arc<Path> = std::path::absolute(path)
            .and_then(|path| {
                path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                Ok(path.into())
            })
            .map_err(|error| Error::StoreUnavailable {
                problem: format!("{}: {error}", path.display()),
            })?;
        let mut database = Database::connect(&path, &options)?;
        let found = schema::check(&database)?;
        database.set_up(&options)?;
        // Who opens a file for one call has to wait for every look at it.
        if found != schema::VERSION {
            schema::migrate(&database)?;
        }
        let file = File::of(&path)?;
        file.shared.watch(&mut database, &options)?;
        Ok(Self {
            file,
            database,
            options,
            inside: Cell::new(false),
        })
    }

    /// Runs a whole operation inside one write transaction. It waits for other writers, before the
    /// writer thread, up to the busy timeout. What the job commits is kept when this returns.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when the wait was too long; what SQLite says to the commit, and then
    /// nothing is kept. The job's own failures are in its answer.
    pub fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let _inside = self.enter()?;
        let deadline = Instant::now() + self.database.busy_timeout();
        let lock = &self.file.shared.lock;
        let _held = lock.for_caller(deadline).ok_or_else(|| Error::StoreUnavailable {
            problem: format!(
                "{}: other writers of this process held their lock for longer than the busy timeout",
                self.database.path().display()
            ),
        })?;
        self.finish(self.database.begin_until(deadline)?, job)
    }

    /// Runs a whole operation inside one write transaction, as [`transaction`](Self::transaction)
    /// does, if nothing has to be waited for: no other writer, no job in the queue, no disk.
    pub fn try_transaction<R, J>(&self, job: J) -> Attempt<R, J>
    where
        J: FnOnce(&dyn SyncStore) -> R,
    {
        let shared = &self.file.shared;
        if self.options.durability == Durability::Full || shared.writer.is_busy() {
            return Attempt::Busy(job);
        }
        let _inside = match self.enter() {
            Ok(inside) => inside,
            Err(error) => return Attempt::Answered(Err(error)),
        };
        let Some(_held) = shared.lock.if_free() else {
            return Attempt::Busy(job);
        };
        shared.hurry();
        match self.database.try_begin() {
            Ok(Some(transaction)) => Attempt::Answered(self.finish(transaction, job)),
            Ok(None) => Attempt::Busy(job),
            Err(error) => Attempt::Answered(Err(error)),
        }
    }

    /// Leaves a whole operation to the writer thread of the file. Jobs run in the order in which
    /// they come, many in one transaction, and `done` gets a job's answer when it is kept. `done`
    /// always gets one, from the writer thread, or from this one if there can be no thread.
    pub fn enqueue(&self, job: Job, done: Done) {
        self.file.shared.enqueue(job, done, &self.options);
    }

    /// Waits until every job in the queue of the file has been answered. Inside a transaction of
    /// this handle, for which the jobs wait, it does nothing.
    pub fn drain(&self) {
        if !self.inside.get() {
            self.file.shared.drain();
        }
    }

    /// Closes the handle, after the jobs in the queue of the file.
    pub fn close(self) {
        self.drain();
    }

    fn finish<R>(
        &self,
        transaction: Transaction<'_>,
        job: impl FnOnce(&dyn SyncStore) -> R,
    ) -> Result<R> {
        let unit = Unit::new(&self.database, Undo::Transaction);
        let answer = job(&unit);
        match unit.ended() {
            // Something was written and is lost, which the job may not know.
            Some(error) if unit.wrote() => Err(error),
            // Nothing was written: the job was told so.
            Some(_) => Ok(answer),
            None => transaction.commit().map(|()| answer),
        }
    }

    /// Notes that a transaction is running on the connection, which has room for one.
    fn enter(&self) -> Result<Inside<'_>> {
        if self.inside.replace(true) {
            return Err(Error::internal(
                "a job started a transaction on its own handle",
            ));
        }
        Ok(Inside(&self.inside))
    }
}

struct Inside<'s>(&'s Cell<bool>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl SyncStore for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let found = self.database.load(id, history)?;
        Ok(found.map(|found| found.loaded))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.transaction(|store| store.commit(changes))?
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.database.list(query, |_, _| ())
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.database.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.database.scan(scan)
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        self.database.tally(filter).map(Some)
    }
}

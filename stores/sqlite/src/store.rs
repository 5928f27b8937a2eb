//! A handle on a SQLite store.

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tenure_core::error::Cause;
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Capabilities, Changes, Commit, Durability, ListQuery, Loaded, Page, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::value::address::unsupported_store;
use tenure_core::{Error, History, Result, SessionId, SyncStore};
use tenure_permissions::FileMode;
use tenure_reserve::Reserve;
use tenure_store_transaction::{Attempt, Done, Job, Rewrite, TransactionStore};

use crate::database::{Database, Transaction};
use crate::file::File;
use crate::migration;
use crate::options::SqliteOptions;
use crate::presence::with_suffix;
use crate::schema;
use crate::unit::{CAPABILITIES, Undo, Unit};
use crate::writer::is_full;

/// The room on the disk that opening a database takes, in bytes.
const TO_OPEN: u64 = 256 << 10;

/// A handle on a SQLite store, for one thread at a time. Any number of handles, in any number of
/// processes, may share a file.
pub struct SqliteStore {
    // Dropped in this order: if this is the last handle, the writer thread ends first; then the
    // connection, as the last one, copies the write-ahead log into the database.
    file: Arc<File>,
    database: Database,
    options: SqliteOptions,
    /// Whether a transaction of this handle is running.
    inside: Cell<bool>,
}

/// A handle may move to another thread.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<SqliteStore>();
};

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let is_brief = self.options.brief && self.database.has_short_log();
        if is_brief || self.database.has_cut_log() {
            self.database.skip_checkpoint_on_close();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.database.path())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The names of the files that SQLite reads beside a database. Opening a FIFO would wait.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

impl SqliteStore {
    /// Opens the store in the file at `path`. The file and its folders are created if they do not
    /// exist. Other processes may open the same file at the same time.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the file cannot be created or is not Tenure's, `SCHEMA_TOO_NEW` if a
    /// newer Tenure wrote it, `STORAGE_FULL`, and `UNSUPPORTED_STORE` for `:memory:`.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
            let url = format!("sqlite:{}", path.display());
            return Err(unsupported_store(&url, "name a file, or use `memory:`"));
        }
        // An absolute path names the same file when the working directory changes, and is never
        // read as one of SQLite's URIs.
        let path: Arc<Path> = std::path::absolute(path)
            .and_then(|path| {
                if let Some(folder) = path.parent() {
                    options.file_mode.create_lasting_folders(folder)?;
                }
                // SQLite gives the files beside the database the same permissions.
                options.file_mode.create_empty(&path)?;
                Ok(path.into())
            })
            .map_err(|error| Cause::StoreUnavailable {
                problem: format!("{}: {error}", path.display()),
            })?;
        for suffix in COMPANIONS {
            let beside = with_suffix(&path, suffix);
            if std::fs::metadata(&beside).is_ok_and(|found| !found.is_file()) {
                let problem = format!("{}: it is not a regular file", beside.display());
                return Err(Cause::StoreUnavailable { problem }.into());
            }
        }
        let busy_timeout = Duration::from_millis(options.busy_timeout_ms.into());
        File::expect_sole_user(&path, Instant::now() + busy_timeout)?;
        // SQLite creates files beside the database when it is opened, also on a full disk.
        let mode = permissions(&path).unwrap_or(options.file_mode);
        let reserve = Reserve::at(with_suffix(&path, "-reserve"), mode);
        let released = reserve
            .free()
            .is_some_and(|free| free < TO_OPEN)
            .then(|| reserve.release());
        let opened = Self::open_file(&path, options, mode, reserve.clone());
        match released {
            Some(released) => reserve.restore(released),
            // Nothing is created beside a file that is no store.
            None if opened.is_ok() => reserve.keep(),
            None => {}
        }
        opened
    }

    fn open_file(
        path: &Arc<Path>,
        options: SqliteOptions,
        mode: FileMode,
        reserve: Reserve,
    ) -> Result<Self> {
        let mut database = Database::connect(path, &options)?;
        let found = schema::check(&database)?;
        database.set_up(&options)?;
        // The schema is not read again if it is current: handles for single calls should open
        // quickly.
        if found != schema::VERSION {
            migration::migrate(&mut database, options.on_migration, mode)?;
        } else {
            migration::clear(path);
        }
        if let Some(count) = options.keep_changes {
            database.keep_changes(count)?;
        }
        if let Some(wanted) = options.text_index {
            database.index_texts(wanted)?;
        }
        let file = File::of(path, reserve)?;
        file.writer.watch(&mut database, &options)?;
        if options.text_index == Some(true) && database.lacks_texts()? {
            file.writer.add_texts(&options);
        }
        Ok(Self {
            file,
            database,
            options,
            inside: Cell::new(false),
        })
    }

    /// Runs a whole operation inside one write transaction. It waits for other writers up to the
    /// busy timeout, with priority over the writer thread. The commits of the job are stored when
    /// this returns.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the wait exceeded the busy timeout. If the transaction cannot be
    /// committed, its error, and nothing is stored. The errors of the job itself are a part of its
    /// result.
    pub fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        self.in_unit(|unit| job(unit))
    }

    fn in_unit<R>(&self, job: impl FnOnce(&Unit<'_>) -> R) -> Result<R> {
        let _inside = self.enter()?;
        let deadline = Instant::now() + self.database.busy_timeout();
        let lock = &self.file.writer.lock;
        let _held = lock.for_caller(deadline).ok_or_else(|| Cause::StoreUnavailable {
            problem: format!(
                "{}: other writers of this process held their lock for longer than the busy timeout",
                self.database.path().display()
            ),
        })?;
        self.finish(self.database.begin_until(deadline)?, job)
    }

    /// Runs a whole operation inside one write transaction, as [`transaction`](Self::transaction)
    /// does, if it does not have to wait: no other process writes, no job is queued, and no sync to
    /// disk is needed.
    pub fn try_transaction<R, J>(&self, job: J) -> Attempt<R, J>
    where
        J: FnOnce(&dyn SyncStore) -> R,
    {
        let writer = &self.file.writer;
        if self.options.durability == Durability::Full || writer.queue.is_busy() {
            return Attempt::Busy(job);
        }
        let _inside = match self.enter() {
            Ok(inside) => inside,
            Err(error) => return Attempt::Answered(Err(error)),
        };
        let Some(_held) = writer.lock.if_free() else {
            return Attempt::Busy(job);
        };
        writer.log.note_latency_sensitive();
        match self.database.try_begin() {
            Ok(Some(transaction)) => Attempt::Answered(self.finish(transaction, |unit| job(unit))),
            Ok(None) => Attempt::Busy(job),
            Err(error) => Attempt::Answered(Err(error)),
        }
    }

    /// Queues a whole operation for the writer thread of the file. Jobs run in the order of the
    /// calls, many in one transaction. `done` receives the result of a job when its writes are
    /// stored. It is always called: on the writer thread, or on the calling thread if no thread can
    /// be started.
    pub fn enqueue(&self, job: Job, done: Done) {
        self.file.writer.enqueue(job, done, &self.options);
    }

    /// Waits until every job in the queue of the file is done. Inside a transaction of this handle,
    /// for which the jobs wait, it returns immediately.
    pub fn drain(&self) {
        if !self.inside.get() {
            self.file.writer.queue.drain();
        }
    }

    /// The connection of the handle.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Closes the handle, after the jobs in the queue of the file.
    pub fn close(self) {
        self.drain();
    }

    fn finish<R>(
        &self,
        transaction: Transaction<'_>,
        job: impl FnOnce(&Unit<'_>) -> R,
    ) -> Result<R> {
        let unit = Unit::new(&self.database, Undo::Transaction);
        let result = job(&unit);
        match unit.ended() {
            // Writes of the job are lost, and the job may not know that.
            Some(error) if unit.wrote() => Err(error),
            // Nothing was written, and the job has received the error.
            Some(_) => Ok(result),
            None => {
                let writer = &self.file.writer;
                let committed = writer.commit(&self.database, transaction, unit.makes_room());
                if committed.as_ref().is_err_and(is_full) {
                    writer.use_log_again(&self.options);
                }
                committed.map(|()| result)
            }
        }
    }

    /// Marks a transaction as running. The connection supports one at a time.
    fn enter(&self) -> Result<Inside<'_>> {
        if self.inside.replace(true) {
            return Err(Error::internal(
                "a job started a transaction on its own handle",
            ));
        }
        Ok(Inside(&self.inside))
    }
}

/// The permissions of a database, which the files beside it have, too.
#[cfg(unix)]
fn permissions(database: &Path) -> Option<FileMode> {
    use std::os::unix::fs::PermissionsExt;

    let found = database.metadata().ok()?;
    FileMode::new(found.permissions().mode() & 0o666)
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<FileMode> {
    None
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

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.database.tally(filter, aggregate).map(Some)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.database.feed(query)
    }
}

impl TransactionStore for SqliteStore {
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()> {
        self.transaction(job)
    }

    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool> {
        match self.try_transaction(job) {
            Attempt::Answered(result) => result.map(|()| true),
            Attempt::Busy(_) => Ok(false),
        }
    }

    fn enqueue(&self, job: Job, done: Done) {
        self.enqueue(job, done);
    }

    fn drain(&self) {
        self.drain();
    }

    fn rewrite(&self, rewrite: &Rewrite) -> Result<Option<Commit>> {
        self.in_unit(|unit| unit.rewrite(rewrite))?.map(Some)
    }
}

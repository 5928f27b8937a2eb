//! A connection to the database file with the store's settings, and its transactions. It retries
//! while another connection holds a lock, up to the busy timeout.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use tenure_core::error::Cause;
use tenure_core::{Error, Result};

use crate::answers::Answers;
use crate::failure;
use crate::options::SqliteOptions;
use crate::presence::{Presence, with_suffix};
use crate::standing::Standing;
use tenure_core::store::Durability;

/// Enough for every statement of the store and the common forms of lists.
const CACHED_STATEMENTS: usize = 64;
/// In pages of 4 KiB: the limit of SQLite.
const MAX_PAGES: u64 = 4_294_967_294;
const PAGE_BYTES: u64 = 4096;
/// The bytes of a log before its pages, and before each page.
const LOG_HEADER: u64 = 32;
const PAGE_HEADER: u64 = 24;
/// How often the length of a log is compared with its index, which another process may change in between.
const LOOKS_AT_LOG: u32 = 3;
/// A write-ahead log of this size is read in a fraction of a millisecond.
const SHORT_LOG: u64 = 64 * PAGE_BYTES;
/// The instructions of SQLite between two reports of progress: some milliseconds.
const BETWEEN_REPORTS: i32 = 100_000;
/// The pauses between attempts to get a lock. A busy writer frees its lock for short moments only.
/// SQLite's own busy handler tries every 100 ms and would miss them for seconds.
const FIRST_SLEEP: Duration = Duration::from_micros(100);
const LONGEST_SLEEP: Duration = Duration::from_micros(500);

/// A connection to the database file.
pub(crate) struct Database {
    connection: Connection,
    path: Arc<Path>,
    busy_timeout: Duration,
    /// The files of the store, which every commit checks.
    presence: Option<Arc<Presence>>,
    /// The values that [`apply_pragmas`](Self::apply_pragmas) last set.
    pragmas: Cell<Option<(Durability, Option<u64>)>>,
    /// The counts that it has answered with.
    pub(crate) answers: RefCell<Answers>,
    /// What its transactions need not read again.
    pub(crate) standing: Standing,
    /// What is called when the index of texts lacks many sessions.
    lacks_texts: Option<Box<dyn Fn() + Send>>,
    /// The prepared statements, for tests that count them.
    #[cfg(test)]
    pub(crate) statements: RefCell<Vec<String>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the file, which is created if it does not exist. The schema is not checked.
    pub(crate) fn connect(path: &Arc<Path>, options: &SqliteOptions) -> Result<Self> {
        // Without SQLITE_OPEN_URI and without a mutex: one thread at a time uses a connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |error| failure::describe(path, "open", &error);
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        let database = Self {
            connection,
            path: path.clone(),
            busy_timeout: Duration::from_millis(options.busy_timeout_ms.into()),
            presence: None,
            pragmas: Cell::new(None),
            answers: RefCell::default(),
            standing: Standing::default(),
            lacks_texts: None,
            #[cfg(test)]
            statements: RefCell::default(),
        };
        database.wait_when_busy(database.busy_timeout)?;
        Ok(database)
    }

    /// Configures the connection. This is the first write to the file.
    pub(crate) fn set_up(&self, options: &SqliteOptions) -> Result<()> {
        // Switching to WAL needs exclusive access to the file, for which SQLite does not wait.
        let mode = self.with_retries("open", |connection| {
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
                row.get::<_, String>(0)
            })
        })?;
        if mode != "wal" {
            return Err(Cause::StoreUnavailable {
                problem: format!(
                    "{}: the file system does not allow a write-ahead log (the journal mode stays {mode:?})",
                    self.path.display()
                ),
            }.into());
        }
        self.execute_batch(
            "open",
            "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 0;",
        )?;
        self.apply_pragmas(options)
    }

    /// Applies the durability and the maximum size of the file for the next commits. Must not be
    /// called within a transaction.
    pub(crate) fn apply_pragmas(&self, options: &SqliteOptions) -> Result<()> {
        let pragmas = (options.durability, options.max_bytes);
        if self.pragmas.get() == Some(pragmas) {
            return Ok(());
        }
        let synchronous = match options.durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        };
        let pages = options
            .max_bytes
            .map_or(MAX_PAGES, |bytes| (bytes / PAGE_BYTES).clamp(1, MAX_PAGES));
        // On some systems only a full fsync flushes the cache of the disk.
        let fullfsync = u8::from(options.durability == Durability::Full);
        self.execute_batch(
            "open",
            &format!(
                "PRAGMA synchronous = {synchronous}; PRAGMA fullfsync = {fullfsync}; \
                 PRAGMA checkpoint_fullfsync = {fullfsync}; PRAGMA max_page_count = {pages}"
            ),
        )?;
        self.pragmas.set(Some(pragmas));
        Ok(())
    }

    /// Refuses commits from now on when a file of the store is not at its path.
    pub(crate) fn refuse_unless_present(&mut self, presence: &Arc<Presence>) {
        self.presence = Some(Arc::clone(presence));
    }

    /// Checks that the files of the store are at their paths.
    pub(crate) fn check_presence(&self) -> Result<()> {
        match &self.presence {
            Some(presence) => presence.check(),
            None => Ok(()),
        }
    }

    /// Checks that the log was not cut.
    pub(crate) fn check_log(&self) -> Result<()> {
        match &self.presence {
            Some(presence) if !presence.has_known_log() => self.check_whole_log(),
            _ => Ok(()),
        }
    }

    /// Checks that the log has all pages that are in its index. Must not be called within a transaction.
    pub(crate) fn check_whole_log(&self) -> Result<()> {
        let Some(presence) = &self.presence else {
            return Ok(());
        };
        for _ in 0..LOOKS_AT_LOG {
            let length = log_bytes(self.run_checkpoint("NOOP")?.pages);
            if presence.has_log_of(length) {
                presence.note_log(length);
                return Ok(());
            }
            // Another process may have emptied it between the two looks.
        }
        presence.check()?;
        Err(presence.log_is_cut())
    }

    /// Whether the log was cut, so that copying it would damage the database.
    pub(crate) fn has_cut_log(&self) -> bool {
        // A log that has no name any more is whole.
        self.check_presence().is_ok() && self.check_whole_log().is_err()
    }

    /// Calls `hook` after each commit with the number of pages in the write-ahead log.
    pub(crate) fn on_commit(&mut self, mut hook: impl FnMut(u32) + Send + 'static) -> Result<()> {
        self.connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                hook(u32::try_from(pages).unwrap_or(0));
                Ok(())
            }))
            .map_err(|error| self.failed("open", &error))
    }

    /// Calls `hook` now and then while a statement runs.
    pub(crate) fn on_progress(
        &mut self,
        hook: Option<impl FnMut() + Send + 'static>,
    ) -> Result<()> {
        let hook = hook.map(|mut hook| {
            move || {
                hook();
                // The statement goes on.
                false
            }
        });
        self.connection
            .progress_handler(BETWEEN_REPORTS, hook)
            .map_err(|error| self.failed("open", &error))
    }

    /// Calls `hook` when a list or a tally finds that the index of texts lacks many sessions.
    pub(crate) fn on_lacking_texts(&mut self, hook: impl Fn() + Send + 'static) {
        self.lacks_texts = Some(Box::new(hook));
    }

    /// Reports that the index of texts lacks many sessions.
    pub(crate) fn report_lacking_texts(&self) {
        if let Some(hook) = &self.lacks_texts {
            hook();
        }
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How long a write waits for other writers.
    pub(crate) fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// The error of the store for an error of SQLite during `method`.
    pub(crate) fn failed(&self, method: &str, error: &rusqlite::Error) -> Error {
        failure::describe(&self.path, method, error)
    }

    /// Whether a transaction is open. SQLite ends it by itself on some errors.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// A statement, which is prepared once per connection.
    pub(crate) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        #[cfg(test)]
        self.statements.borrow_mut().push(sql.to_owned());
        self.connection.prepare_cached(sql)
    }

    /// How many rows this connection has changed.
    pub(crate) fn changed_rows(&self) -> u64 {
        self.connection.total_changes()
    }

    /// The key of the row that was inserted last.
    pub(crate) fn last_key(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// Runs one statement without parameters.
    pub(crate) fn run(&self, method: &str, sql: &str) -> Result<()> {
        self.prepare(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(|error| self.failed(method, &error))
    }

    /// The schema version of the file.
    pub(crate) fn schema_version(&self, method: &str) -> Result<u32> {
        self.prepare("PRAGMA user_version")
            .and_then(|mut read| read.query_row([], |row| row.get(0)))
            .map_err(|error| self.failed(method, &error))
    }

    /// Runs several statements, without caching them.
    pub(crate) fn execute_batch(&self, method: &str, sql: &str) -> Result<()> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| self.failed(method, &error))
    }

    /// Copies pages from the write-ahead log into the database. `mode` is a checkpoint mode of
    /// SQLite. Waits for readers up to `wait`.
    pub(crate) fn checkpoint(&self, mode: &str, wait: Duration) -> Result<LogPages> {
        self.check_presence()?;
        self.check_whole_log()?;
        self.wait_when_busy(wait)?;
        let log = self.run_checkpoint(mode);
        self.wait_when_busy(self.busy_timeout)?;
        log
    }

    fn run_checkpoint(&self, mode: &str) -> Result<LogPages> {
        let counts =
            self.connection
                .query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
                    Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
                });
        let (pages, copied) = counts.map_err(|error| self.failed("checkpoint", &error))?;
        // The counts are -1 if there is no log.
        let count = |pages: i64| u32::try_from(pages).unwrap_or(0);
        Ok(LogPages {
            pages: count(pages),
            copied: count(copied),
        })
    }

    /// The number of bytes by which the database grows when its log is copied.
    pub(crate) fn growth_by_log(&self) -> Result<u64> {
        let pages: i64 = self
            .connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .map_err(|error| self.failed("checkpoint", &error))?;
        let length = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        let pages = u64::try_from(pages).unwrap_or(0);
        Ok(pages.saturating_mul(PAGE_BYTES).saturating_sub(length))
    }

    /// Whether the write-ahead log is so short that the next process reads it quickly.
    pub(crate) fn has_short_log(&self) -> bool {
        // The file must not be opened: closing it would release POSIX locks on it.
        std::fs::metadata(with_suffix(&self.path, "-wal")).is_ok_and(|log| log.len() <= SHORT_LOG)
    }

    /// Skips the checkpoint when this is the last connection to be closed.
    pub(crate) fn skip_checkpoint_on_close(&self) {
        // If this fails, closing copies the log as usual.
        let _ = self
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Retries while another connection holds a lock, up to the busy timeout.
    pub(crate) fn with_retries<T>(
        &self,
        method: &str,
        attempt: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.busy_timeout;
        self.until(deadline, method, attempt)
    }

    /// Starts a write transaction. Waits up to the busy timeout.
    pub(crate) fn begin(&self) -> Result<Transaction<'_>> {
        self.begin_until(Instant::now() + self.busy_timeout)
    }

    /// Starts a write transaction. Waits for other writers until `deadline`.
    pub(crate) fn begin_until(&self, deadline: Instant) -> Result<Transaction<'_>> {
        self.check_log()?;
        self.wait_when_busy(Duration::ZERO)?;
        let begun = self.until(deadline, "commit", |connection| {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])
        });
        self.wait_when_busy(self.busy_timeout)?;
        begun.map(|_| self.begun())
    }

    /// Starts a write transaction if it does not have to wait.
    pub(crate) fn try_begin(&self) -> Result<Option<Transaction<'_>>> {
        self.check_log()?;
        self.wait_when_busy(Duration::ZERO)?;
        let begun = self
            .prepare("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]));
        self.wait_when_busy(self.busy_timeout)?;
        match begun {
            Ok(_) => Ok(Some(self.begun())),
            Err(error) if failure::is_busy(&error) => Ok(None),
            Err(error) => Err(self.failed("commit", &error)),
        }
    }

    fn begun(&self) -> Transaction<'_> {
        self.standing.begin();
        Transaction(self)
    }

    /// Reads in one state of the database, in several statements.
    pub(crate) fn reading<T>(
        &self,
        read: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if self.in_transaction() {
            return read();
        }
        self.prepare("BEGIN")?.execute([])?;
        let answer = read();
        // Nothing was written. If this fails, the next use of the connection reports the error.
        if self.in_transaction()
            && let Ok(mut end) = self.prepare("COMMIT")
        {
            let _ = end.execute([]);
        }
        answer
    }

    fn until<T>(
        &self,
        deadline: Instant,
        method: &str,
        attempt: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut sleep = FIRST_SLEEP;
        loop {
            match attempt(&self.connection) {
                Ok(answer) => return Ok(answer),
                Err(error) if failure::is_busy(&error) && Instant::now() < deadline => {
                    thread::sleep(sleep);
                    sleep = (sleep * 2).min(LONGEST_SLEEP);
                }
                Err(error) => return Err(self.failed(method, &error)),
            }
        }
    }

    fn wait_when_busy(&self, wait: Duration) -> Result<()> {
        self.connection
            .busy_timeout(wait)
            .map_err(|error| self.failed("open", &error))
    }
}

/// The length of a log with this number of pages, at least.
pub(crate) fn log_bytes(pages: u32) -> u64 {
    match pages {
        0 => 0,
        _ => LOG_HEADER + u64::from(pages) * (PAGE_HEADER + PAGE_BYTES),
    }
}

/// The pages of a write-ahead log after a checkpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogPages {
    /// The pages in the log.
    pub(crate) pages: u32,
    /// The pages of the log that were copied into the database.
    copied: u32,
}

impl LogPages {
    /// Whether all pages of the log were copied.
    pub(crate) fn is_copied(self) -> bool {
        self.pages == self.copied
    }
}

/// An open write transaction. Dropped without [`commit`](Self::commit), it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction<'d>(&'d Database);

impl Transaction<'_> {
    /// Commits the transaction.
    ///
    /// # Errors
    /// Those of SQLite, and `STORE_UNAVAILABLE` if the files of the store are not at their paths. The
    /// transaction is rolled back then.
    pub(crate) fn commit(self) -> Result<()> {
        self.0.check_presence()?;
        self.0.run("commit", "COMMIT")
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.0.in_transaction() {
            // After a failed rollback, the next use of the connection reports the error.
            let _ = self.0.run("commit", "ROLLBACK");
        }
    }
}

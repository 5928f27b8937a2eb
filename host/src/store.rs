//! The stores of this machine, opened by URL, and the execution of operations over them: a writing
//! operation is one transaction, from loading to writing.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tenure_bridge::{Access, Answer, Call, Options, access, answer, entropy};
use tenure_core::error::{Cause, cut};
use tenure_core::store::{
    Capabilities, Changes, Commit, Found, History, ListQuery, Loaded, Page, Read, Record, Scan,
};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::call;
use tenure_core::work::execution::{Done, run_typed};
use tenure_core::work::operation::{AnyOperation, Operation};
use tenure_core::{Host, Limits, MemoryStore, Result, SessionId, Store, SyncStore, Timestamp};
use tenure_file::{FileOptions, FileStore};
use tenure_git::{GitOptions, GitStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};
use tokio::runtime::{self, Runtime};

use crate::place::Place;
use crate::process::this_host;

/// A synchronous store in which an operation can be one transaction.
pub trait Native: SyncStore {
    /// Runs an operation in one transaction.
    ///
    /// # Errors
    /// Those of the store. The errors of the operation are in its answer.
    fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R>;
}

impl Native for SqliteStore {
    fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        self.transaction(job)
    }
}

impl Native for FileStore {
    fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        self.transaction(job)
    }
}

/// Performs an operation synchronously.
pub fn perform(store: &impl Native, limits: Arc<Limits>, call: &Call<'_>) -> Answer {
    match access(call.name) {
        Some(Access::Write | Access::WriteMany) => store
            .transaction(|store| tenure_bridge::perform(store, limits, call, true))
            .unwrap_or_else(|error| answer::error(&error)),
        _ => tenure_bridge::perform(store, limits, call, false),
    }
}

/// Runs an operation whose types are known.
///
/// # Errors
/// Those of the operation.
fn run<P, R>(
    store: &impl Native,
    operation: &'static Operation<P, R>,
    params: P,
    call: call::Call,
) -> Result<Done<R>>
where
    Operation<P, R>: AnyOperation,
    P: Send + Sync + 'static,
    R: 'static,
{
    match operation.access {
        Access::Read => run_typed(store, operation, params, call),
        Access::Write | Access::WriteMany => {
            let isolated = call::Call {
                isolated: true,
                ..call
            };
            store.transaction(|store| run_typed(store, operation, params, isolated))?
        }
    }
}

/// The options of a SQLite store.
pub fn sqlite_options(options: &Options) -> SqliteOptions {
    let defaults = SqliteOptions::default();
    SqliteOptions {
        durability: options.durability,
        busy_timeout_ms: options.busy_timeout_ms(defaults.busy_timeout_ms),
        ..defaults
    }
}

/// The options of a file store.
pub fn file_options(options: &Options) -> FileOptions {
    FileOptions {
        durability: options.durability,
        busy_timeout_ms: options.busy_timeout_ms(FileOptions::default().busy_timeout_ms),
    }
}

/// The options of a git store.
fn git_options(options: &Options) -> GitOptions {
    let defaults = GitOptions::default();
    GitOptions {
        timeout_ms: options.timeout_ms.unwrap_or(defaults.timeout_ms),
        ..defaults
    }
}

/// An open store for one thread at a time. Every operation is synchronous.
pub struct Local {
    store: Kind,
    limits: Arc<Limits>,
}

enum Kind {
    Memory(MemoryStore),
    Sqlite(SqliteStore),
    File(FileStore),
    Git(Blocking<GitStore>),
}

/// An asynchronous store whose calls block the thread until they have ended.
struct Blocking<S> {
    store: S,
    runtime: Runtime,
}

impl Blocking<GitStore> {
    fn open(place: &str, options: &GitOptions) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Cause::StoreUnavailable {
            problem: format!("no runtime for a git store: {error}"),
        })?;
        let store = runtime.block_on(GitStore::open(place, options))?;
        Ok(Self { store, runtime })
    }
}

impl<S: Store> SyncStore for Blocking<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.runtime.block_on(self.store.load(id, history))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.runtime.block_on(self.store.commit(changes))
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.runtime.block_on(self.store.list(query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.runtime.block_on(self.store.record(kind, key))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.runtime.block_on(self.store.scan(scan))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        self.runtime.block_on(self.store.read(reads))
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.store {
            Kind::Memory(_) => f.write_str("memory:"),
            Kind::Sqlite(store) => store.fmt(f),
            Kind::File(store) => store.fmt(f),
            Kind::Git(store) => store.store.fmt(f),
        }
    }
}

impl Local {
    /// Opens the store that a URL names. It is created if it does not exist.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE`, and those of the store.
    pub fn open(url: &str, options: &Options) -> Result<Self> {
        let store = match Place::of(url)? {
            Some(Place::Memory) => Kind::Memory(MemoryStore::default()),
            Some(Place::Sqlite(path)) => {
                // A caller of a local store makes few calls, or makes many and ends.
                let options = SqliteOptions {
                    brief: true,
                    ..sqlite_options(options)
                };
                Kind::Sqlite(SqliteStore::open(&path, options)?)
            }
            Some(Place::File(path)) => Kind::File(FileStore::open(&path, file_options(options))?),
            Some(Place::Git(place)) => Kind::Git(Blocking::open(&place, &git_options(options))?),
            None => {
                return Err(Cause::UnsupportedStore {
                    url: cut(url.to_owned()),
                    problem: "expected sqlite:./file.db, file:./directory, registry: or memory:, \
                              or for leases and runs git:origin"
                        .to_owned(),
                }
                .into());
            }
        };
        Ok(Self {
            store,
            limits: Arc::new(options.limits.clone()),
        })
    }

    /// Runs an operation as this process, at this time.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run<P, R>(&self, operation: &'static Operation<P, R>, params: P) -> Result<R>
    where
        Operation<P, R>: AnyOperation,
        P: Send + Sync + 'static,
        R: 'static,
    {
        self.run_at(
            operation,
            params,
            now(),
            this_host(),
            Fingerprint::default(),
        )
    }

    /// Runs an operation at a time, as the process that a host names. `fingerprint` identifies the
    /// parameters of a call with an idempotency key.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run_at<P, R>(
        &self,
        operation: &'static Operation<P, R>,
        params: P,
        now: Timestamp,
        host: Arc<dyn Host>,
        fingerprint: Fingerprint,
    ) -> Result<R>
    where
        Operation<P, R>: AnyOperation,
        P: Send + Sync + 'static,
        R: 'static,
    {
        let call = call::Call {
            now,
            entropy: entropy(None, getrandom::fill)?,
            fingerprint,
            host,
            limits: Arc::clone(&self.limits),
            isolated: false,
        };
        let done = match &self.store {
            Kind::Memory(store) => run_typed(store, operation, params, call),
            Kind::Sqlite(store) => run(store, operation, params, call),
            Kind::File(store) => run(store, operation, params, call),
            // A repository has no lock for other writers: each commit is one push.
            Kind::Git(store) => run_typed(store, operation, params, call),
        };
        Ok(done?.value)
    }

    /// Performs an operation by its name, as this process.
    pub fn perform(&self, name: &str, params: &str, now: f64) -> Answer {
        self.perform_as(this_host(), name, params, now)
    }

    /// Performs an operation by its name, as the process that a host names.
    pub fn perform_as(&self, host: Arc<dyn Host>, name: &str, params: &str, now: f64) -> Answer {
        let entropy = match entropy(None, getrandom::fill) {
            Ok(entropy) => entropy,
            Err(error) => return answer::error(&error),
        };
        let call = Call {
            name,
            params,
            now,
            entropy,
            host,
        };
        let limits = Arc::clone(&self.limits);
        match &self.store {
            Kind::Memory(store) => tenure_bridge::perform(store, limits, &call, false),
            Kind::Sqlite(store) => perform(store, limits, &call),
            Kind::File(store) => perform(store, limits, &call),
            Kind::Git(store) => tenure_bridge::perform(store, limits, &call, false),
        }
    }
}

/// The current time of this machine's clock.
pub fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    // A clock beyond the calendar is read as the end of the calendar.
    Timestamp::from_millis(millis).unwrap_or_default()
}

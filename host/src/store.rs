//! Stores of this machine, opened by their URL, and the one way in which an operation runs over
//! them: what writes is one transaction, from loading to writing.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use tenure_bridge::{Access, Answer, Call, Options, access, answer, entropy, perform_now};
use tenure_core::error::cut;
use tenure_core::{Error, Host, Lift, Limits, MemoryStore, Result, SyncStore};
use tenure_file::{FileOptions, FileStore};
use tenure_git::{GitOptions, GitStore};
use tenure_sqlite::{SqliteOptions, SqliteStore};

use crate::place::Place;
use crate::process::HOST;

/// A store of this machine, in which a whole operation can be one transaction.
pub trait Native: SyncStore {
    /// Runs a whole operation while nobody else writes.
    ///
    /// # Errors
    /// Those of the store. The job's own failures are in its answer.
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

/// Performs an operation and answers at once.
pub fn perform(store: &impl Native, limits: &Limits, call: Call<'_>) -> Answer {
    match access(call.name) {
        Some(Access::Write | Access::WriteMany) => store
            .transaction(|store| perform_now(&Lift(store), limits, call))
            .unwrap_or_else(|error| answer::error(&error)),
        _ => perform_now(&Lift(store), limits, call),
    }
}

/// How a SQLite store is opened.
pub fn sqlite_options(options: &Options) -> SqliteOptions {
    let defaults = SqliteOptions::default();
    SqliteOptions {
        durability: options.durability,
        busy_timeout_ms: options.busy_timeout_ms(defaults.busy_timeout_ms),
        ..defaults
    }
}

/// How a store of files is opened.
pub fn file_options(options: &Options) -> FileOptions {
    FileOptions {
        durability: options.durability,
        busy_timeout_ms: options.busy_timeout_ms(FileOptions::default().busy_timeout_ms),
    }
}

/// How a store in a git repository is opened.
fn git_options(options: &Options) -> GitOptions {
    let defaults = GitOptions::default();
    GitOptions {
        timeout_ms: options.timeout_ms.unwrap_or(defaults.timeout_ms),
        ..defaults
    }
}

/// A store that is open, for one thread at a time. Every operation answers at once.
pub struct Local {
    store: Kind,
    limits: Limits,
}

enum Kind {
    Memory(Lift<MemoryStore>),
    Sqlite(SqliteStore),
    File(FileStore),
    Git(Lift<GitStore>),
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.store {
            Kind::Memory(_) => f.write_str("memory:"),
            Kind::Sqlite(store) => store.fmt(f),
            Kind::File(store) => store.fmt(f),
            Kind::Git(store) => store.0.fmt(f),
        }
    }
}

impl Local {
    /// Opens the store that a URL names. It is made if it does not exist.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE`, and those of the store.
    pub fn open(url: &str, options: &Options) -> Result<Self> {
        let store = match Place::of(url)? {
            Some(Place::Memory) => Kind::Memory(Lift(MemoryStore::default())),
            Some(Place::Sqlite(path)) => {
                // Whoever opens one of these has a call or two to make, or makes many and is gone.
                let options = SqliteOptions {
                    brief: true,
                    ..sqlite_options(options)
                };
                Kind::Sqlite(SqliteStore::open(&path, options)?)
            }
            Some(Place::File(path)) => Kind::File(FileStore::open(&path, file_options(options))?),
            Some(Place::Git(place)) => {
                Kind::Git(Lift(GitStore::open(&place, &git_options(options))?))
            }
            None => {
                return Err(Error::UnsupportedStore {
                    url: cut(url.to_owned()),
                    problem: "expected sqlite:./file.db, file:./directory, registry: or memory:, \
                              or for leases and runs git:origin"
                        .to_owned(),
                });
            }
        };
        Ok(Self {
            store,
            limits: options.limits.clone(),
        })
    }

    /// Performs an operation as this process, with random bits of its own.
    pub fn perform(&self, name: &str, params: &str, now: f64) -> Answer {
        self.perform_as(&HOST, name, params, now)
    }

    /// Performs an operation as the process that a host names.
    pub fn perform_as(
        &self,
        host: &'static dyn Host,
        name: &str,
        params: &str,
        now: f64,
    ) -> Answer {
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
        match &self.store {
            Kind::Memory(store) => perform_now(store, &self.limits, call),
            Kind::Sqlite(store) => perform(store, &self.limits, call),
            Kind::File(store) => perform(store, &self.limits, call),
            // Nobody can be kept out of a repository: each commit is one push.
            Kind::Git(store) => perform_now(store, &self.limits, call),
        }
    }
}

/// The present as this machine's clock shows it, in milliseconds since 1970.
pub fn now() -> f64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis() as f64,
        Err(before) => -(before.duration().as_millis() as f64),
    }
}

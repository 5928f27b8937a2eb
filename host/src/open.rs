//! Opening the store of a place, and its options.

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use tenure_apps::metrics::histogram::Histogram;
use tenure_apps::metrics::own::PoolUse;
use tenure_bridge::Options;
use tenure_core::{Error, MemoryStore, Result, Store};
use tenure_file::{FileOptions, FileStore};
use tenure_git::{GitOptions, GitStore};
use tenure_permissions::FileMode;
use tenure_postgres::{PoolStatus, PostgresOptions, PostgresStore};
use tenure_sealed::{Plain, PlainAsync, Seal, Sealed, SealedAsync};
use tenure_sqlite::{SqliteOptions, SqliteStore};
use tenure_store_transaction::TransactionStore;
use tokio::runtime::Handle;

use crate::encryption::{required, rotator, seal_of};
use crate::executor::{Executor, SerialStore};
use crate::metrics::size::StoreSize;
use crate::place::Place;
use crate::registry::{create_folder, take_over};

/// How long a store stays open, which decides how it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For a few calls, or for many calls at once.
    Brief,
    /// For as long as a service runs.
    Long,
}

impl Executor {
    /// Opens the store of a place. It is created if it does not exist. An asynchronous store is opened by its first
    /// operation, or by [`open_now`](Self::open_now) and [`open_soon`](Self::open_soon).
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(place: Place, options: &Options, lifetime: Lifetime) -> Result<Self> {
        check_encryption(&place, options)?;
        let seal = seal_of(options)?;
        Ok(match place {
            Place::Memory => Self::inline(Box::new(MemoryStore::default())),
            Place::Sqlite(path) => {
                let store = sealed(open_sqlite(&path, options, lifetime)?, seal)?;
                Self::transaction(store).with_size(StoreSize::Database(path))
            }
            Place::Registry(path) => {
                Self::transaction(Box::new(open_registry(&path, options, lifetime)?))
            }
            Place::File(path) => {
                let store = sealed(open_file(&path, options)?, seal)?;
                Self::transaction(store).with_size(StoreSize::of_folder(path))
            }
            Place::Git(place) => {
                let options = git_options(options);
                let open = move || {
                    let (place, options) = (place.clone(), options.clone());
                    async move {
                        let store = GitStore::open(&place, &options).await?;
                        Ok(Arc::new(store) as Arc<dyn Store>)
                    }
                };
                Self::asynchronous(GitStore::CAPABILITIES, Box::new(move || Box::pin(open())))
            }
            Place::Postgres(address) => {
                let options = postgres_options(options);
                // The executor's tasks own the store, on the runtime that is here, too.
                let opened: Arc<OnceLock<(Weak<PostgresStore>, Handle)>> = Arc::default();
                let (pooled, measured) = (Arc::clone(&opened), Arc::clone(&opened));
                let rotation = seal.clone().map(|seal| rotator(Arc::clone(&opened), seal));
                let open = move || {
                    let (address, options, seal) = (address.clone(), options.clone(), seal.clone());
                    let opened = Arc::clone(&opened);
                    async move {
                        let store = Arc::new(PostgresStore::open(&address, &options).await?);
                        store.require(required(seal.clone()));
                        let below = Arc::clone(&store) as Arc<dyn Store>;
                        let sealed: Arc<dyn Store> = match seal {
                            Some(seal) => Arc::new(SealedAsync::over(below, seal).await?),
                            None => Arc::new(PlainAsync::over(below).await?),
                        };
                        // It is opened once.
                        let _ = opened.set((Arc::downgrade(&store), Handle::current()));
                        Ok(sealed)
                    }
                };
                let capabilities = PostgresStore::CAPABILITIES;
                let size = StoreSize::measured(Box::new(move |done| {
                    let Some((store, runtime)) = measured.get() else {
                        return false;
                    };
                    let store = Weak::clone(store);
                    runtime.spawn(async move {
                        let bytes = match store.upgrade() {
                            Some(store) => store.size_bytes().await,
                            None => None,
                        };
                        done(bytes);
                    });
                    true
                }));
                Self::asynchronous(capabilities, Box::new(move || Box::pin(open())))
                    .with_pool(Box::new(move || {
                        let (store, _) = pooled.get()?;
                        Some(pool_use(&store.upgrade()?.pool_status()))
                    }))
                    .with_size(size)
                    .with_rotation(rotation)
            }
        })
    }
}

/// Refuses keys for a store that would not use them.
pub(crate) fn check_encryption(place: &Place, options: &Options) -> Result<()> {
    match options.encryption.is_some() && !place.can_be_encrypted() {
        true => Err(Error::invalid(
            "encryption",
            "this store has no such option",
        )),
        false => Ok(()),
    }
}

/// A store whose data is encrypted, where there are keys. Without keys one that is encrypted is refused.
pub(crate) fn sealed<S>(store: S, seal: Option<Arc<Seal>>) -> Result<SerialStore>
where
    S: TransactionStore + Send + 'static,
{
    Ok(match seal {
        Some(seal) => Box::new(Sealed::over(store, seal)?),
        None => Box::new(Plain::over(store)?),
    })
}

fn pool_use(status: &PoolStatus) -> PoolUse {
    PoolUse {
        max: status.max,
        active: status.active,
        idle: status.idle,
        waiting: status.waiting,
        failures: status.failures,
        waits: Histogram {
            counts: status.waits.to_vec(),
            sum_us: status.waited_us,
        },
    }
}

/// Opens a SQLite store. It is created if it does not exist.
pub(crate) fn open_sqlite(
    path: &Path,
    options: &Options,
    lifetime: Lifetime,
) -> Result<SqliteStore> {
    SqliteStore::open(path, sqlite_options(options, lifetime)?)
}

/// Opens the registry. It is created if it does not exist.
pub(crate) fn open_registry(
    path: &Path,
    options: &Options,
    lifetime: Lifetime,
) -> Result<SqliteStore> {
    create_folder(path)?;
    // The registry is private, whatever is granted for other stores.
    let options = &Options {
        file_mode: None,
        ..options.clone()
    };
    let store = open_sqlite(path, options, lifetime)?;
    take_over(&store, path);
    Ok(store)
}

/// Opens a file store. It is created if it does not exist.
pub(crate) fn open_file(path: &Path, options: &Options) -> Result<FileStore> {
    FileStore::open(path, file_options(options)?)
}

fn sqlite_options(options: &Options, lifetime: Lifetime) -> Result<SqliteOptions> {
    let defaults = SqliteOptions::default();
    Ok(SqliteOptions {
        file_mode: file_mode(options)?,
        durability: options.durability.unwrap_or_default(),
        busy_timeout_ms: options.busy_timeout_ms(defaults.busy_timeout_ms),
        brief: lifetime == Lifetime::Brief,
        keep_changes: options.keep_changes,
        // An index of encrypted tasks finds nothing.
        text_index: match options.encryption {
            Some(_) => Some(false),
            None => options.text_index,
        },
        on_migration: options.on_migration,
        ..defaults
    })
}

fn file_options(options: &Options) -> Result<FileOptions> {
    Ok(FileOptions {
        file_mode: file_mode(options)?,
        durability: options.durability.unwrap_or_default(),
        busy_timeout_ms: options.busy_timeout_ms(FileOptions::default().busy_timeout_ms),
        keep_changes: options.keep_changes,
    })
}

/// The permissions of new files.
pub(crate) fn file_mode(options: &Options) -> Result<FileMode> {
    let Some(bits) = options.file_mode else {
        return Ok(FileMode::PRIVATE);
    };
    FileMode::new(bits).ok_or_else(|| {
        let problem = "expected permissions such as 0o600, 0o640 or 0o660: the owner may read and \
                       write, and nobody may execute";
        Error::invalid("fileMode", problem)
    })
}

fn git_options(options: &Options) -> GitOptions {
    let defaults = GitOptions::default();
    GitOptions {
        timeout_ms: options.timeout_ms.unwrap_or(defaults.timeout_ms),
        // The working directory at this time, which may change before the store is opened.
        folder: std::env::current_dir().ok(),
    }
}

fn postgres_options(options: &Options) -> PostgresOptions {
    let pool = &options.pool;
    PostgresOptions {
        timeout_ms: options.timeout_ms,
        pool_max: pool.max,
        connection_timeout_ms: pool.connection_timeout_ms,
        idle_timeout_ms: pool.idle_timeout_ms,
        statement_timeout_ms: pool.statement_timeout_ms,
        keep_changes: options.keep_changes,
        ..PostgresOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use tenure_apps::metrics::histogram::CALLS;
    use tenure_postgres::WAIT_BOUNDS_US;

    #[test]
    fn waits_for_connections_are_counted_in_the_buckets_of_calls() {
        assert_eq!(WAIT_BOUNDS_US, CALLS);
    }
}

//! A handle on a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Begun, Capabilities, Changes, Commit, Found, ListQuery, Loaded, Memory, Origin, Page,
    Read, Recalled, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::{History, Result, SessionId, Store};
use tokio::time::timeout;

use crate::address::Address;
use crate::database::Database;
use crate::migration;
use crate::options::{PostgresOptions, Settings};
use crate::pool::PoolStatus;
use crate::required::Requirement;

/// After so many changes, on average, the oldest ones are removed.
const BETWEEN_REMOVALS: u64 = 1024;
/// How long a writer waits for that.
const LONGEST_REMOVAL: Duration = Duration::from_secs(1);

/// A handle on a store in a PostgreSQL database. Any number of calls may be in flight on it, and any number of
/// handles on any number of machines may use one database.
///
/// Its futures must be polled in a tokio runtime with time and IO enabled. A call that is dropped may still be
/// performed by the server.
pub struct PostgresStore {
    database: Database,
    /// Shared with the stores of its calls.
    listening: Arc<Listening>,
}

/// Ends the task that listens when the last user of a handle is dropped.
struct Listening(Database);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.signal.stop_listening();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("database", &self.database.shown)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// The capabilities of every PostgreSQL store.
    pub const CAPABILITIES: Capabilities = Capabilities {
        persistent: true,
        shared: true,
        feed: true,
        reindents: false,
        records_only: false,
    };

    /// Opens the store in a database. Its tables are created if they do not exist, and migrated if an older Tenure
    /// has created them.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the database cannot be reached, or the role lacks rights, and `SCHEMA_TOO_NEW`.
    pub async fn open(address: &Address, options: &PostgresOptions) -> Result<Self> {
        let settings = Settings::of(options, &address.choices)?;
        let database = Database::new(address, settings)?;
        migration::open(&database, address.creates, options.keep_changes).await?;
        Ok(Self {
            listening: Arc::new(Listening(database.clone())),
            database,
        })
    }

    /// The same store for one call, all of whose requests end within the timeout together.
    fn for_call(&self) -> Self {
        Self {
            database: self.database.for_call(),
            listening: Arc::clone(&self.listening),
        }
    }

    /// By how many milliseconds the server's clock is ahead of this machine's.
    ///
    /// # Errors
    /// `SCHEMA_TOO_NEW`.
    pub async fn clock_offset_ms(&self) -> Result<i64> {
        self.database.clock_offset_ms().await
    }

    /// Makes every commit of this handle require something, which is asked for each time. One for which it is not met changes nothing,
    /// and its reply is the conflict of the record that is in the way. It is set once, before the first commit.
    pub fn require(&self, requirement: Requirement) {
        self.database.requirements.set(requirement);
    }

    /// The state of the connections.
    pub fn pool_status(&self) -> PoolStatus {
        self.database.pool.status()
    }

    /// The size of the tables of the store with their indexes, in bytes; `None` if the server does not say it.
    pub async fn size_bytes(&self) -> Option<u64> {
        self.database.size_bytes().await
    }

    /// Commits changes that the feed does not mention: sessions and records in another form.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn commit_unseen(&self, changes: &Changes) -> Result<Commit> {
        self.database.commit(changes, &[], &[]).await
    }

    /// Applies changes, if in addition these sessions are still as these commits have written them.
    async fn write(&self, changes: &Changes, origins: &[Origin]) -> Result<Commit> {
        if changes.sessions.is_empty() && changes.records.is_empty() {
            return Ok(Commit::Applied);
        }
        let feed = changes.feed();
        let committed = self.database.commit(changes, origins, &feed).await;
        let committed = committed?;
        if committed == Commit::Applied && !feed.is_empty() {
            self.database.signal.note_change();
            self.remove_old_changes(feed.len() as u64).await;
        }
        Ok(committed)
    }

    /// Removes the oldest changes now and then, so that the feed does not grow without readers. When that is, is
    /// chance: most processes write less than is kept.
    async fn remove_old_changes(&self, added: u64) {
        let mut random = [0; 8];
        // Without random bits another process removes them.
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        if u64::from_ne_bytes(random) % BETWEEN_REMOVALS < added {
            // What is not removed now is removed later.
            let _ = timeout(LONGEST_REMOVAL, self.database.for_later().trim()).await;
        }
    }
}

impl Store for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(self.database.load(id, history))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(self.write(changes, &[]))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(self.database.list(query))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(self.database.record(kind, key))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(self.database.scan(scan))
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(self.database.read_all(reads))
    }

    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        Box::pin(self.database.tally(filter, aggregate))
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        Box::pin(self.database.feed(query))
    }

    fn begin(&self, takes_long: bool) -> Answer<'_, Begun> {
        Box::pin(async move {
            let call = Arc::new(self.for_call());
            let clock_offset_ms = call.clock_offset_ms().await?;
            Ok(match takes_long {
                true => Begun {
                    clock_offset_ms,
                    ..Begun::default()
                },
                false => Begun {
                    clock_offset_ms,
                    memory: Some(Arc::clone(&call) as Arc<dyn Memory>),
                    store: Some(call as Arc<dyn Store>),
                },
            })
        })
    }
}

impl Memory for PostgresStore {
    fn recall(&self, reads: &[Read]) -> Option<Recalled> {
        self.database.heads.recall(reads)
    }

    fn commit_recalled<'a>(
        &'a self,
        changes: &'a Changes,
        origins: &'a [Origin],
    ) -> Answer<'a, Commit> {
        Box::pin(self.write(changes, origins))
    }
}

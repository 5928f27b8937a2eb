//! The store trait. A store keeps session [heads](Head), their [events](Event) and generic keyed
//! [records](Record), and applies a [`Changes`] completely or not at all. It contains no rules: the
//! changes are decided before they reach it, and each change expects the version that it was decided
//! on. Synchronous stores implement [`SyncStore`]; [`Lift`] makes a [`Store`] of it.

pub mod changes;
mod counts;
pub mod feed;
pub mod filter;
pub mod heads;
mod key;
pub mod memory;
mod orders;
mod packed;
pub(crate) mod places;
pub mod query;
mod rows;
mod shared;
pub mod tally;
mod values;

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::error::{Cause, Error, Result};
use crate::store::feed::{FeedPage, FeedQuery};
use crate::store::filter::{Filter, Order};
use crate::store::tally::{Aggregate, Tally};
pub use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::limits::MAX_PAGE_BYTES;
use crate::value::properties::{Params, Properties, Property};
pub use changes::{Changes, Commit, Expect, RecordChange, SessionChange, SessionWrite};
pub use query::{Found, History, ListQuery, Loaded, Page, Problem, Read, Scan};

/// The future reply of a store. It may be pending on a waker, and move between threads.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// How far a store is with bringing what an older Tenure has written into a newer form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number of the step, from 1.
    pub step: u32,
    /// The number of the last step.
    pub steps: u32,
    /// Whether it still runs.
    pub is_running: bool,
}

/// What is called now and then while a store is migrated, and once when that has ended.
pub type OnMigration = fn(Migration);

/// A store of sessions.
///
/// Errors are `STORE_UNAVAILABLE`, `STORAGE_FULL`, `STORE_FAILED`, `CORRUPT_SESSION` and the like. An
/// absent session and an unmet expectation are replies, not errors.
pub trait Store: Send + Sync {
    /// The optional capabilities of this store.
    fn capabilities(&self) -> Capabilities;

    /// A session's head with the requested part of its history, read consistently.
    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>>;

    /// Applies all of `changes`, or nothing if any expectation is not met.
    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit>;

    /// The sessions that match a query, in its order.
    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page>;

    /// One record.
    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>>;

    /// The records of a kind in the byte order of their keys, starting after a key.
    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>>;

    /// Several sessions and records, in this order. By default it reads them one by one; a store
    /// behind a network reads them in one request.
    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(read_one_by_one(self, reads))
    }

    /// An aggregate of the sessions that a filter means. By default it reads them page by page.
    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        Box::pin(tally_by_pages(self, filter, aggregate))
    }

    /// A part of its feed, if it keeps one ([`Capabilities::feed`]).
    fn feed<'a>(&'a self, _query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        Box::pin(ready(Err(no_feed())))
    }

    /// Begins an operation: what it gets besides this store. `takes_long` says that it may take longer than the timeout
    /// of one call, since it writes to many sessions. By default it gets nothing.
    fn begin(&self, _takes_long: bool) -> Answer<'_, Begun> {
        Box::pin(ready(Ok(Begun::default())))
    }
}

/// What an operation gets from an asynchronous store when it begins.
#[derive(Clone, Default)]
pub struct Begun {
    /// By how many milliseconds the store's clock is ahead of this machine's. A store that machines share has a clock
    /// of its own, so that they agree on when a lease expires.
    pub clock_offset_ms: i64,
    /// The store as this operation uses it, such as with one deadline for all of its requests; by default the store
    /// itself.
    pub store: Option<Arc<dyn Store>>,
    /// What the store remembers; by default nothing.
    pub memory: Option<Arc<dyn Memory>>,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun")
            .field("clock_offset_ms", &self.clock_offset_ms)
            .finish_non_exhaustive()
    }
}

/// What a handle remembers of a store that others write to as well. It may be out of date, so an operation may be
/// decided by it only if its commit expects all of it unchanged.
pub trait Memory: Send + Sync {
    /// What is remembered of these sessions and records, if all of them are.
    fn recall(&self, reads: &[Read]) -> Option<Recalled>;

    /// Applies changes as [`Store::commit`] does, if in addition these sessions are still as these commits have
    /// written them.
    fn commit_recalled<'a>(
        &'a self,
        changes: &'a Changes,
        origins: &'a [Origin],
    ) -> Answer<'a, Commit>;
}

/// What is remembered of sessions and records.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// The sessions and records, in the order of the reads.
    pub found: Vec<Found>,
    /// Where the sessions come from.
    pub origins: Vec<Origin>,
}

/// Which commit has written a session as it is remembered. A version does not say that: a session that is removed and
/// written again, or restored with its database, may have the same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The id of the session.
    pub id: SessionId,
    /// The number of the commit, which no other commit of the store has.
    pub commit: i64,
}

/// A store whose answers are ready at once: memory, files, SQLite. The methods are those of
/// [`Store`].
pub trait SyncStore {
    /// See [`Store::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// See [`Store::load`].
    ///
    /// # Errors
    /// Those of the store.
    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>>;
    /// See [`Store::commit`].
    ///
    /// # Errors
    /// Those of the store.
    fn commit(&self, changes: &Changes) -> Result<Commit>;
    /// See [`Store::list`].
    ///
    /// # Errors
    /// Those of the store.
    fn list(&self, query: &ListQuery) -> Result<Page>;
    /// See [`Store::record`].
    ///
    /// # Errors
    /// Those of the store.
    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>>;
    /// See [`Store::scan`].
    ///
    /// # Errors
    /// Those of the store.
    fn scan(&self, scan: &Scan) -> Result<Vec<Record>>;
    /// See [`Store::read`].
    ///
    /// # Errors
    /// Those of the store.
    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        reads.iter().map(|read| self.read_one(read)).collect()
    }

    /// One session or record.
    ///
    /// # Errors
    /// Those of the store.
    fn read_one(&self, read: &Read) -> Result<Found> {
        match read {
            Read::Session { id, history } => found(self.load(id, *history)),
            Read::Record { kind, key } => self.record(kind, key).map(Found::Record),
        }
    }

    /// See [`Store::tally`]. `None` leaves the counting to the default.
    ///
    /// # Errors
    /// Those of the store.
    fn tally(&self, _filter: &Filter, _aggregate: Aggregate) -> Result<Option<Tally>> {
        Ok(None)
    }

    /// See [`Store::feed`].
    ///
    /// # Errors
    /// `NO_FEED`, and those of the store.
    fn feed(&self, _query: &FeedQuery) -> Result<FeedPage> {
        Err(no_feed())
    }
}

impl<S: SyncStore + ?Sized> SyncStore for &S {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        (**self).load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        (**self).commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        (**self).list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        (**self).record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        (**self).scan(scan)
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        (**self).read(reads)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        (**self).tally(filter, aggregate)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        (**self).feed(query)
    }
}

/// A store for one thread at a time may be shared behind a lock.
impl<S: SyncStore> SyncStore for Mutex<S> {
    fn capabilities(&self) -> Capabilities {
        unlocked(self).capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        unlocked(self).load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        unlocked(self).commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        unlocked(self).list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        unlocked(self).record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        unlocked(self).scan(scan)
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        unlocked(self).read(reads)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        unlocked(self).tally(filter, aggregate)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        unlocked(self).feed(query)
    }
}

/// The store behind a lock. A store applies a commit whole or not at all, so a panic elsewhere has
/// spoiled nothing.
fn unlocked<S>(store: &Mutex<S>) -> MutexGuard<'_, S> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a [`Store`] of a [`SyncStore`]: every answer is ready at the first poll.
#[derive(Debug, Clone, Default)]
pub struct Lift<S>(pub S);

impl<S: SyncStore + Send + Sync> Store for Lift<S> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(ready(self.0.load(id, history)))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(ready(self.0.commit(changes)))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(ready(self.0.list(query)))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(ready(self.0.record(kind, key)))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(ready(self.0.scan(scan)))
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(ready(self.0.read(reads)))
    }

    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        match self.0.tally(filter, aggregate) {
            Ok(None) => Box::pin(tally_by_pages(self, filter, aggregate)),
            Ok(Some(tally)) => Box::pin(ready(Ok(tally))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        Box::pin(ready(self.0.feed(query)))
    }
}

/// The error of a store without a feed.
fn no_feed() -> Error {
    Cause::NoFeed.into()
}

/// What a store can do beyond the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// What was written is there when the store is opened again.
    pub persistent: bool,
    /// Several processes (or pages) may have the store open at once.
    pub shared: bool,
    /// It keeps a feed of its changes.
    pub feed: bool,
    /// White space between the tokens of user data may change. The tokens never do.
    pub reindents: bool,
    /// It keeps records alone: whatever is asked of it about sessions is refused. Stores of other
    /// languages keep sessions, so that this does not cross into them.
    #[serde(skip)]
    pub records_only: bool,
}

impl Params for Capabilities {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            persistent: properties.take_or("persistent", false),
            shared: properties.take_or("shared", false),
            feed: properties.take_or("feed", false),
            reindents: properties.take_or("reindents", false),
            records_only: false,
        }
    }
}

crate::nested_properties!(Capabilities);

/// What a write that a store has acknowledged survives, where there is a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The end of the process, however sudden. After a loss of power what is there is whole, but
    /// the last writes may be missing.
    #[default]
    Normal,
    /// The loss of power too: every commit waits until the disk has it.
    Full,
}

impl Property for Durability {
    fn read(name: &str, text: &str) -> Result<Self> {
        match text {
            "\"normal\"" => Ok(Self::Normal),
            "\"full\"" => Ok(Self::Full),
            _ => Err(Error::invalid(name, "expected \"normal\" or \"full\"")),
        }
    }
}

/// What loading a session has found: that it cannot be read is said of it alone.
fn found(loaded: Result<Option<Loaded>>) -> Result<Found> {
    match loaded {
        Err(error) if !error.is_corrupt_session() => Err(error),
        loaded => Ok(Found::Session(loaded.map(|loaded| loaded.map(Box::new)))),
    }
}

async fn read_one_by_one<S: Store + ?Sized>(store: &S, reads: &[Read]) -> Result<Vec<Found>> {
    let mut all = Vec::with_capacity(reads.len());
    for read in reads {
        all.push(match read {
            Read::Session { id, history } => found(store.load(id, *history).await)?,
            Read::Record { kind, key } => Found::Record(store.record(kind, key).await?),
        });
    }
    Ok(all)
}

/// An aggregate of the sessions that a filter selects, made of the pages of `list`: for a store that stands before another one.
///
/// # Errors
/// Those of the store.
pub async fn tally_by_pages<S: Store + ?Sized>(
    store: &S,
    filter: &Filter,
    aggregate: Aggregate,
) -> Result<Tally> {
    let mut count = TallyByPages::new(filter, aggregate);
    while count.add(&store.list(&count.query).await?)? {}
    Ok(count.tally.complete())
}

/// An aggregate of the sessions that a filter selects, as the store makes it or else page by page.
///
/// # Errors
/// Those of the store.
pub fn tally_at_once(
    store: &dyn SyncStore,
    filter: &Filter,
    aggregate: Aggregate,
) -> Result<Tally> {
    if let Some(tally) = store.tally(filter, aggregate)? {
        return Ok(tally);
    }
    let mut count = TallyByPages::new(filter, aggregate);
    while count.add(&store.list(&count.query)?)? {}
    Ok(count.tally.complete())
}

/// An aggregate of sessions, made of the pages of a list.
struct TallyByPages {
    /// The next page.
    query: ListQuery,
    tally: Tally,
}

impl TallyByPages {
    fn new(filter: &Filter, aggregate: Aggregate) -> Self {
        Self {
            query: ListQuery {
                filter: filter.clone(),
                order: Order::default(),
                after: None,
                offset: 0,
                limit: 500,
                max_bytes: MAX_PAGE_BYTES,
            },
            tally: Tally::new(aggregate),
        }
    }

    /// Adds a page: whether there is another one.
    fn add(&mut self, page: &Page) -> Result<bool> {
        for head in &page.heads {
            self.tally.count(head);
        }
        let order = self.query.order;
        let last = match page.heads.last() {
            Some(last) if page.more => order.position(last),
            _ => return Ok(false),
        };
        let repeats = |after| !order.compare_positions(&last, after).is_gt();
        if self.query.after.as_ref().is_some_and(repeats) {
            return Err(Cause::StoreMisbehaved {
                method: "list".to_owned(),
                problem: "a page does not come after the page before".to_owned(),
            }
            .into());
        }
        self.query.after = Some(last);
        Ok(true)
    }
}

//! A store that its first commit creates. Until then, or until another process creates it, it is empty: a
//! command that only reads or fails leaves nothing behind. An entry of the audit log about a session or a lease does not create a store
//! on its own, because a hook enters each of its decisions, also that nothing is stored.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tenure_core::audit::entry::{self, Entry, RUN};
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Capabilities, Changes, Commit, ListQuery, Loaded, Page, RecordChange, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::{History, MemoryStore, Result, SessionId, SyncStore};
use tenure_store_transaction::TransactionStoreExt;

use crate::executor::SerialStore;

/// Creates and opens the store.
pub(crate) type Create = Box<dyn Fn() -> Result<SerialStore> + Send + Sync>;
/// Whether the store exists.
pub(crate) type Exists = Box<dyn Fn() -> bool + Send + Sync>;

/// A store that its first commit creates. Its commits state what they expect, so that another process
/// may create the store first.
pub(crate) struct LazyStore {
    create: Create,
    exists: Exists,
    empty: MemoryStore,
    store: Mutex<Option<SerialStore>>,
}

impl fmt::Debug for LazyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyStore")
            .field("is_created", &self.store().is_some())
            .finish_non_exhaustive()
    }
}

impl LazyStore {
    pub(crate) fn new(create: Create, exists: Exists) -> Self {
        Self {
            create,
            exists,
            empty: MemoryStore::default(),
            store: Mutex::new(None),
        }
    }

    fn store(&self) -> MutexGuard<'_, Option<SerialStore>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the store, or from an empty one.
    fn read<T>(&self, read: impl FnOnce(&dyn SyncStore) -> Result<T>) -> Result<T> {
        let mut store = self.store();
        if store.is_none() && (self.exists)() {
            *store = Some((self.create)()?);
        }
        match &*store {
            Some(store) => read(&**store),
            None => read(&self.empty),
        }
    }
}

/// Whether changes consist of entries of the audit log, and of none that is written for its own sake.
fn are_entries(changes: &Changes) -> bool {
    let is_entry = |change: &RecordChange| {
        let entry = change.record.as_ref().map(Entry::read);
        change.kind == entry::KIND
            && entry.is_none_or(|entry| entry.is_ok_and(|entry| entry.kind() != RUN))
    };
    changes.sessions.is_empty() && changes.records.iter().all(is_entry)
}

impl SyncStore for LazyStore {
    fn capabilities(&self) -> Capabilities {
        match &*self.store() {
            Some(store) => store.capabilities(),
            None => self.empty.capabilities(),
        }
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.read(|store| store.load(id, history))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let mut store = self.store();
        let store = match &mut *store {
            Some(store) => store,
            None if are_entries(changes) => return Ok(Commit::Applied),
            missing => missing.insert((self.create)()?),
        };
        store.transaction(|store| store.commit(changes))?
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.read(|store| store.list(query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.read(|store| store.record(kind, key))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.read(|store| store.scan(scan))
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.read(|store| store.tally(filter, aggregate))
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.read(|store| store.feed(query))
    }
}

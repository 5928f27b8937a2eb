//! The stores of handles without keys, whose data is plain text. Another process may encrypt such a store while it is open. Then a
//! handle without the keys must neither add plain text, nor take encrypted values for data. So each commit looks for the records of
//! keys, and so does each read that has found values which look encrypted.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Begun, Capabilities, Changes, Commit, Found, ListQuery, Loaded, Memory, Origin, Page,
    Read, Recalled, Record, Scan,
};
use tenure_core::{History, Result, SessionId, Store, SyncStore};
use tenure_store_transaction::{Done, Job, TransactionStore};

use crate::marks;
use crate::value::{has_sealed_values, is_event_sealed, is_record_sealed};

/// A synchronous store that is not encrypted.
#[derive(Debug, Clone)]
pub struct Plain<S> {
    store: S,
    is_in_transaction: bool,
    /// In a transaction: whether it was found to be plain, which nobody changes meanwhile.
    is_known: Cell<bool>,
}

impl<S: SyncStore> Plain<S> {
    /// A store without keys.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the store is encrypted, and those of the store.
    pub fn over(store: S) -> Result<Self> {
        marks::refused(&store.scan(&marks::all())?)?;
        Ok(Self {
            store,
            is_in_transaction: false,
            is_known: Cell::new(false),
        })
    }

    fn expect_plain(&self) -> Result<()> {
        if !self.is_known.get() {
            expect_none(&self.store.scan(&marks::all())?)?;
            self.is_known.set(self.is_in_transaction);
        }
        Ok(())
    }

    /// What a read has found, if the store is plain or nothing of it looks encrypted.
    fn checked<T>(&self, mut found: T, looks_sealed: impl FnOnce(&mut T) -> bool) -> Result<T> {
        if looks_sealed(&mut found) {
            self.expect_plain()?;
        }
        Ok(found)
    }
}

impl<S: SyncStore> SyncStore for Plain<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.checked(self.store.load(id, history)?, is_session_sealed)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.expect_plain()?;
        self.store.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let page = self.store.list(query)?;
        self.checked(page, |page| is_page_sealed(page, query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let record = self.store.record(kind, key)?;
        self.checked(record, |record| {
            record.as_ref().is_some_and(is_record_sealed)
        })
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.checked(self.store.scan(scan)?, |records| {
            records.iter().any(is_record_sealed)
        })
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        self.checked(self.store.read(reads)?, |found| {
            found.iter_mut().any(is_found_sealed)
        })
    }

    fn read_one(&self, read: &Read) -> Result<Found> {
        self.checked(self.store.read_one(read)?, is_found_sealed)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        let tally = self.store.tally(filter, aggregate)?;
        self.checked(tally, |_| filter.text.is_some())
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.store.feed(query)
    }
}

impl<S: TransactionStore> TransactionStore for Plain<S> {
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()> {
        self.store.run(&mut |store| job(&within(store)))
    }

    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool> {
        self.store.try_run(&mut |store| job(&within(store)))
    }

    fn enqueue(&self, job: Job, done: Done) {
        let job = move |store: &dyn SyncStore| job(&within(store));
        self.store.enqueue(Box::new(job), done);
    }

    fn drain(&self) {
        self.store.drain();
    }
}

/// The store of a transaction.
fn within(store: &dyn SyncStore) -> Plain<&dyn SyncStore> {
    Plain {
        store,
        is_in_transaction: true,
        is_known: Cell::new(false),
    }
}

/// Refuses a store that has such records, which it had not when it was opened.
fn expect_none(records: &[Record]) -> Result<()> {
    match marks::in_use(records) {
        None => Ok(()),
        Some(key) => Err(marks::encrypted_meanwhile(key)),
    }
}

fn is_session_sealed(loaded: &mut Option<Loaded>) -> bool {
    loaded.as_mut().is_some_and(is_loaded_sealed)
}

fn is_loaded_sealed(loaded: &mut Loaded) -> bool {
    has_sealed_values(&mut loaded.head) || loaded.events.iter().any(is_event_sealed)
}

/// Whether a page has encrypted values, or may lack sessions because the store has looked for a text in such values.
fn is_page_sealed(page: &mut Page, query: &ListQuery) -> bool {
    query.filter.text.is_some() || page.heads.iter_mut().any(has_sealed_values)
}

fn is_found_sealed(found: &mut Found) -> bool {
    match found {
        Found::Session(Ok(Some(loaded))) => is_loaded_sealed(loaded),
        Found::Record(Some(record)) => is_record_sealed(record),
        _ => false,
    }
}

/// An asynchronous store that is not encrypted.
#[derive(Clone)]
pub struct PlainAsync {
    store: Arc<dyn Store>,
}

impl fmt::Debug for PlainAsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainAsync").finish_non_exhaustive()
    }
}

impl PlainAsync {
    /// A store without keys. Each commit of the store has to require that there is no record of the kind
    /// [`KEY_RECORDS`](marks::KEY_RECORDS), and to reply with the conflict of such a record otherwise.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the store is encrypted, and those of the store.
    pub async fn over(store: Arc<dyn Store>) -> Result<Self> {
        marks::refused(&store.scan(&marks::all()).await?)?;
        Ok(Self { store })
    }

    async fn checked<T>(
        &self,
        mut found: T,
        looks_sealed: impl FnOnce(&mut T) -> bool,
    ) -> Result<T> {
        if looks_sealed(&mut found) {
            expect_none(&self.store.scan(&marks::all()).await?)?;
        }
        Ok(found)
    }
}

impl Store for PlainAsync {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(async move {
            let loaded = self.store.load(id, history).await?;
            self.checked(loaded, is_session_sealed).await
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(async move { applied_to_plain(self.store.commit(changes).await?) })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(async move {
            let page = self.store.list(query).await?;
            self.checked(page, |page| is_page_sealed(page, query)).await
        })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(async move {
            let record = self.store.record(kind, key).await?;
            let looks_sealed =
                |record: &mut Option<Record>| record.as_ref().is_some_and(is_record_sealed);
            self.checked(record, looks_sealed).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let records = self.store.scan(scan).await?;
            let looks_sealed = |records: &mut Vec<Record>| records.iter().any(is_record_sealed);
            self.checked(records, looks_sealed).await
        })
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(async move {
            let found = self.store.read(reads).await?;
            let looks_sealed = |found: &mut Vec<Found>| found.iter_mut().any(is_found_sealed);
            self.checked(found, looks_sealed).await
        })
    }

    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        Box::pin(async move {
            let tally = self.store.tally(filter, aggregate).await?;
            self.checked(tally, |_| filter.text.is_some()).await
        })
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        self.store.feed(query)
    }

    fn begin(&self, takes_long: bool) -> Answer<'_, Begun> {
        Box::pin(async move {
            let begun = self.store.begin(takes_long).await?;
            Ok(Begun {
                clock_offset_ms: begun.clock_offset_ms,
                store: begun
                    .store
                    .map(|store| Arc::new(Self { store }) as Arc<dyn Store>),
                memory: begun
                    .memory
                    .map(|memory| Arc::new(PlainMemory { memory }) as Arc<dyn Memory>),
            })
        })
    }
}

/// The outcome of a commit, if the store is plain.
fn applied_to_plain(commit: Commit) -> Result<Commit> {
    match commit {
        Commit::RecordConflict {
            record_kind, key, ..
        } if record_kind == marks::KEY_RECORDS => Err(marks::encrypted_meanwhile(&key)),
        commit => Ok(commit),
    }
}

/// What a handle remembers of such a store.
struct PlainMemory {
    memory: Arc<dyn Memory>,
}

impl Memory for PlainMemory {
    fn recall(&self, reads: &[Read]) -> Option<Recalled> {
        let mut recalled = self.memory.recall(reads)?;
        // What looks encrypted is read.
        let is_plain = !recalled.found.iter_mut().any(is_found_sealed);
        is_plain.then_some(recalled)
    }

    fn commit_recalled<'a>(
        &'a self,
        changes: &'a Changes,
        origins: &'a [Origin],
    ) -> Answer<'a, Commit> {
        Box::pin(
            async move { applied_to_plain(self.memory.commit_recalled(changes, origins).await?) },
        )
    }
}

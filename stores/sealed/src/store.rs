//! The stores that encrypt: one over synchronous stores and their transactions, one over asynchronous stores.

use std::any::Any;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Begun, Capabilities, Changes, Commit, Found, ListQuery, Loaded, Memory, Origin, Page,
    Read, Recalled, Record, Scan, tally_by_pages,
};
use tenure_core::{History, Result, SessionId, Store, SyncStore};
use tenure_store_transaction::{Done, Job, Rewrite, TransactionStore};

use crate::marks::{self, KEY_RECORDS, is_mark_conflict};
use crate::seal::Seal;
use crate::search::Search;

/// A synchronous store whose user data is encrypted.
#[derive(Debug, Clone)]
pub struct Sealed<S> {
    store: S,
    seal: Arc<Seal>,
    /// In a transaction: whether it has found or written the record of the key, which counts when the transaction is committed.
    in_transaction: Option<Arc<AtomicBool>>,
}

impl<S: SyncStore> Sealed<S> {
    /// Encrypts what is written to a store.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the store was encrypted with a key that was not given, or with another one of the same id, and
    /// those of the store.
    pub fn over(store: S, seal: Arc<Seal>) -> Result<Self> {
        seal.check_keys(&store.scan(&marks::all())?)?;
        Ok(Self {
            store,
            seal,
            in_transaction: None,
        })
    }

    /// Whether the next commit has to write the record of the key.
    fn lacks_mark(&self, seals: bool) -> Result<bool> {
        if !seals || self.seal.is_marked() {
            return Ok(false);
        }
        let Some(record) = self.store.record(KEY_RECORDS, self.seal.current())? else {
            return Ok(true);
        };
        self.seal.check_key(&record)?;
        self.note_marked();
        Ok(false)
    }

    fn note_marked(&self) {
        match &self.in_transaction {
            Some(is_marked) => is_marked.store(true, Ordering::Relaxed),
            None => self.seal.note_marked(),
        }
    }
}

impl<S> Sealed<S> {
    /// The keys.
    pub fn seal(&self) -> &Arc<Seal> {
        &self.seal
    }

    /// The store below, with the encrypted values.
    pub fn below(&self) -> &S {
        &self.store
    }
}

/// Refuses a store that is encrypted, for a caller without keys.
///
/// # Errors
/// `STORE_UNAVAILABLE`, and those of the store.
pub fn refuse_encrypted(store: &dyn SyncStore) -> Result<()> {
    marks::refused(&store.scan(&marks::first())?)
}

/// As [`refuse_encrypted`], for an asynchronous store.
///
/// # Errors
/// `STORE_UNAVAILABLE`, and those of the store.
pub async fn refuse_encrypted_async(store: &dyn Store) -> Result<()> {
    marks::refused(&store.scan(&marks::first()).await?)
}

impl<S: SyncStore> SyncStore for Sealed<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let loaded = self.store.load(id, history)?;
        loaded.map(|loaded| self.seal.opened(loaded)).transpose()
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let (mut sealed, seals) = self.seal.sealed(changes)?;
        loop {
            let marks = self.lacks_mark(seals)?;
            if marks {
                sealed.records.push(self.seal.mark()?);
            }
            let commit = self.store.commit(&sealed)?;
            if marks && is_mark_conflict(&commit) {
                // Another process has written it meanwhile, which the next look finds.
                sealed.records.pop();
                continue;
            }
            if marks && commit == Commit::Applied {
                self.note_marked();
            }
            return Ok(commit);
        }
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut search = Search::of(query);
        while search.add(&self.seal, self.store.list(&search.query)?)? {}
        Ok(search.into_page())
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let mut record = self.store.record(kind, key)?;
        if let Some(record) = &mut record {
            self.seal.open_record(record)?;
        }
        Ok(record)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.seal.opened_records(self.store.scan(scan)?)
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        self.seal.opened_all(self.store.read(reads)?)
    }

    fn read_one(&self, read: &Read) -> Result<Found> {
        self.seal.opened_found(self.store.read_one(read)?)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        match filter.text {
            // Made of the pages of `list`.
            Some(_) => Ok(None),
            None => self.store.tally(filter, aggregate),
        }
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.store.feed(query)
    }
}

impl<S: TransactionStore + 'static> TransactionStore for Sealed<S> {
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()> {
        let is_marked = Arc::default();
        let run = self.store.run(&mut |store| {
            job(&within(store, &self.seal, &is_marked));
        });
        self.note_transaction(&is_marked, run.is_ok());
        run
    }

    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool> {
        let is_marked = Arc::default();
        let ran = self.store.try_run(&mut |store| {
            job(&within(store, &self.seal, &is_marked));
        });
        self.note_transaction(&is_marked, ran == Ok(true));
        ran
    }

    fn enqueue(&self, job: Job, done: Done) {
        let is_marked = Arc::<AtomicBool>::default();
        let (seal, marked) = (Arc::clone(&self.seal), Arc::clone(&is_marked));
        let job = move |store: &dyn SyncStore| job(&within(store, &seal, &marked));
        let seal = Arc::clone(&self.seal);
        let done = move |result: Result<String>| {
            if result.is_ok() && is_marked.load(Ordering::Relaxed) {
                seal.note_marked();
            }
            done(result);
        };
        self.store.enqueue(Box::new(job), Box::new(done));
    }

    fn drain(&self) {
        self.store.drain();
    }

    fn rewrite(&self, rewrite: &Rewrite) -> Result<Option<Commit>> {
        self.store.rewrite(&self.seal.sealed_rewrite(rewrite)?)
    }

    fn commit_unseen(&self, changes: &Changes) -> Result<Commit> {
        self.store.commit_unseen(&self.seal.sealed(changes)?.0)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl<S> Sealed<S> {
    fn note_transaction(&self, is_marked: &AtomicBool, is_committed: bool) {
        if is_committed && is_marked.load(Ordering::Relaxed) {
            self.seal.note_marked();
        }
    }
}

/// The store of a transaction. The keys were checked.
fn within<'s>(
    store: &'s dyn SyncStore,
    seal: &Arc<Seal>,
    is_marked: &Arc<AtomicBool>,
) -> Sealed<&'s dyn SyncStore> {
    Sealed {
        store,
        seal: Arc::clone(seal),
        in_transaction: Some(Arc::clone(is_marked)),
    }
}

/// An asynchronous store whose user data is encrypted.
#[derive(Clone)]
pub struct SealedAsync {
    store: Arc<dyn Store>,
    seal: Arc<Seal>,
}

impl fmt::Debug for SealedAsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedAsync")
            .field("seal", &self.seal)
            .finish_non_exhaustive()
    }
}

impl SealedAsync {
    /// Encrypts what is written to a store.
    ///
    /// # Errors
    /// Those of [`Sealed::over`].
    pub async fn over(store: Arc<dyn Store>, seal: Arc<Seal>) -> Result<Self> {
        seal.check_keys(&store.scan(&marks::all()).await?)?;
        Ok(Self { store, seal })
    }

    /// The keys.
    pub fn seal(&self) -> &Arc<Seal> {
        &self.seal
    }

    /// The store below, with the encrypted values.
    pub fn below(&self) -> &dyn Store {
        &*self.store
    }

    /// Whether the next commit has to write the record of the key.
    async fn lacks_mark(&self, seals: bool) -> Result<bool> {
        if !seals || self.seal.is_marked() {
            return Ok(false);
        }
        let Some(record) = self.store.record(KEY_RECORDS, self.seal.current()).await? else {
            return Ok(true);
        };
        self.seal.check_key(&record)?;
        self.seal.note_marked();
        Ok(false)
    }
}

impl Store for SealedAsync {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(async move {
            let loaded = self.store.load(id, history).await?;
            loaded.map(|loaded| self.seal.opened(loaded)).transpose()
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(async move {
            let (mut sealed, seals) = self.seal.sealed(changes)?;
            loop {
                let marks = self.lacks_mark(seals).await?;
                if marks {
                    sealed.records.push(self.seal.mark()?);
                }
                let commit = self.store.commit(&sealed).await?;
                if marks && is_mark_conflict(&commit) {
                    sealed.records.pop();
                    continue;
                }
                if marks && commit == Commit::Applied {
                    self.seal.note_marked();
                }
                return Ok(commit);
            }
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(async move {
            let mut search = Search::of(query);
            while search.add(&self.seal, self.store.list(&search.query).await?)? {}
            Ok(search.into_page())
        })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(async move {
            let mut record = self.store.record(kind, key).await?;
            if let Some(record) = &mut record {
                self.seal.open_record(record)?;
            }
            Ok(record)
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(async move { self.seal.opened_records(self.store.scan(scan).await?) })
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(async move { self.seal.opened_all(self.store.read(reads).await?) })
    }

    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        match filter.text {
            Some(_) => Box::pin(tally_by_pages(self, filter, aggregate)),
            None => self.store.tally(filter, aggregate),
        }
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        self.store.feed(query)
    }

    fn begin(&self, takes_long: bool) -> Answer<'_, Begun> {
        Box::pin(async move {
            let begun = self.store.begin(takes_long).await?;
            Ok(Begun {
                clock_offset_ms: begun.clock_offset_ms,
                store: begun.store.map(|store| {
                    let seal = Arc::clone(&self.seal);
                    Arc::new(Self { store, seal }) as Arc<dyn Store>
                }),
                memory: begun.memory.map(|memory| {
                    let seal = Arc::clone(&self.seal);
                    Arc::new(SealedMemory { memory, seal }) as Arc<dyn Memory>
                }),
            })
        })
    }
}

/// What a handle remembers of such a store: as the store has it, encrypted.
struct SealedMemory {
    memory: Arc<dyn Memory>,
    seal: Arc<Seal>,
}

impl Memory for SealedMemory {
    fn recall(&self, reads: &[Read]) -> Option<Recalled> {
        // Until the store has the record of the key, commits write it.
        if !self.seal.is_marked() {
            return None;
        }
        let Recalled { found, origins } = self.memory.recall(reads)?;
        let found = self.seal.opened_all(found).ok()?;
        Some(Recalled { found, origins })
    }

    fn commit_recalled<'a>(
        &'a self,
        changes: &'a Changes,
        origins: &'a [Origin],
    ) -> Answer<'a, Commit> {
        match self.seal.sealed(changes) {
            Ok((sealed, _)) => {
                Box::pin(async move { self.memory.commit_recalled(&sealed, origins).await })
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

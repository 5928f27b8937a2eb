//! The stores that encrypt: one over synchronous stores and their transactions, one over asynchronous stores.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Begun, Capabilities, Changes, Commit, Expect, Found, ListQuery, Loaded, Memory, Origin,
    Page, Read, Recalled, Record, Scan, tally_by_pages,
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
    /// In a transaction: whether the record was found, which nobody changes meanwhile.
    has_mark: Cell<bool>,
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
            has_mark: Cell::new(false),
        })
    }

    /// Checks that the key is not replaced. Whether the next commit has to write its record.
    fn lacks_mark(&self, seals: bool) -> Result<bool> {
        if self.has_mark.get() {
            return Ok(false);
        }
        if self.seal.is_marked() {
            let record = self.store.record(KEY_RECORDS, self.seal.current())?;
            self.seal.expect_in_use(record.as_ref())?;
        } else if !seals {
            return Ok(false);
        } else if self.seal.lacks_mark(&self.store.scan(&marks::all())?)? {
            return Ok(true);
        } else {
            self.note_marked();
        }
        self.has_mark.set(self.in_transaction.is_some());
        Ok(false)
    }

    /// What was decrypted. If a value does not decrypt because another process has replaced the key since the store was opened,
    /// that is the error: the value is not damaged.
    fn with_keys<T>(&self, opened: Result<T>, is_damaged: impl FnOnce(&T) -> bool) -> Result<T> {
        if opened.as_ref().map_or(true, is_damaged) {
            self.seal.check_keys(&self.store.scan(&marks::all())?)?;
        }
        opened
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

impl<S: SyncStore> SyncStore for Sealed<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let loaded = self.store.load(id, history)?;
        let opened = loaded.map(|loaded| self.seal.opened(loaded)).transpose();
        self.with_keys(opened, |_| false)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let (mut sealed, seals) = self.seal.sealed(changes)?;
        loop {
            let marks = self.lacks_mark(seals)?;
            if marks {
                sealed.records.push(self.seal.mark(Expect::Absent)?);
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
        self.with_keys(Ok(search), Search::has_damaged)
            .map(Search::into_page)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let record = self.store.record(kind, key)?;
        let opened = record.map(|record| self.seal.opened_record(record));
        self.with_keys(opened.transpose(), is_some_empty)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let opened = self.seal.opened_records(self.store.scan(scan)?);
        self.with_keys(Ok(opened), |records| is_any_empty(records))
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Found>> {
        let opened = self.seal.opened_all(self.store.read(reads)?);
        self.with_keys(opened, |found| found.iter().any(is_damaged))
    }

    fn read_one(&self, read: &Read) -> Result<Found> {
        let opened = self.seal.opened_found(self.store.read_one(read)?);
        self.with_keys(opened, is_damaged)
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

/// Whether something was found that does not decrypt, or cannot be read.
fn is_damaged(found: &Found) -> bool {
    match found {
        Found::Session(session) => session.is_err(),
        Found::Record(record) => is_some_empty(record),
    }
}

/// Whether a record does not decrypt.
fn is_empty(record: &Record) -> bool {
    record.body.is_empty()
}

/// Whether a record was found that does not decrypt.
fn is_some_empty(record: &Option<Record>) -> bool {
    record.as_ref().is_some_and(is_empty)
}

fn is_any_empty(records: &[Record]) -> bool {
    records.iter().any(is_empty)
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
        has_mark: Cell::new(false),
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
    /// Encrypts what is written to a store. As soon as the keys [are marked](Seal::is_marked), each commit of the store has to
    /// require the record of the current key, of the kind [`KEY_RECORDS`] and the version [`IN_USE`](marks::IN_USE), and to reply
    /// with the conflict of that record otherwise.
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

    /// As [`Sealed::with_keys`].
    async fn with_keys<T>(
        &self,
        opened: Result<T>,
        is_damaged: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        if opened.as_ref().map_or(true, is_damaged) {
            let records = self.store.scan(&marks::all()).await?;
            self.seal.check_keys(&records)?;
        }
        opened
    }

    /// Whether the next commit has to write the record of the key. Where there is one, the store below requires it of each commit.
    async fn lacks_mark(&self, seals: bool) -> Result<bool> {
        if !seals || self.seal.is_marked() {
            return Ok(false);
        }
        if self
            .seal
            .lacks_mark(&self.store.scan(&marks::all()).await?)?
        {
            return Ok(true);
        }
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
            let opened = loaded.map(|loaded| self.seal.opened(loaded)).transpose();
            self.with_keys(opened, |_| false).await
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(async move {
            let (mut sealed, seals) = self.seal.sealed(changes)?;
            loop {
                let marks = self.lacks_mark(seals).await?;
                if marks {
                    sealed.records.push(self.seal.mark(Expect::Absent)?);
                }
                let commit = self.store.commit(&sealed).await?;
                if is_mark_conflict(&commit) {
                    if !marks {
                        return Err(self.seal.replaced());
                    }
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
            let searched = self.with_keys(Ok(search), Search::has_damaged).await;
            searched.map(Search::into_page)
        })
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(async move {
            let record = self.store.record(kind, key).await?;
            let opened = record.map(|record| self.seal.opened_record(record));
            self.with_keys(opened.transpose(), is_some_empty).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let opened = self.seal.opened_records(self.store.scan(scan).await?);
            self.with_keys(Ok(opened), |records| is_any_empty(records))
                .await
        })
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        Box::pin(async move {
            let opened = self.seal.opened_all(self.store.read(reads).await?);
            let is_damaged = |found: &Vec<Found>| found.iter().any(is_damaged);
            self.with_keys(opened, is_damaged).await
        })
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
        // What does not decrypt is read, which says why.
        let is_readable = !found.iter().any(is_damaged);
        is_readable.then_some(Recalled { found, origins })
    }

    fn commit_recalled<'a>(
        &'a self,
        changes: &'a Changes,
        origins: &'a [Origin],
    ) -> Answer<'a, Commit> {
        match self.seal.sealed(changes) {
            Ok((sealed, _)) => Box::pin(async move {
                let commit = self.memory.commit_recalled(&sealed, origins).await?;
                match is_mark_conflict(&commit) {
                    true => Err(self.seal.replaced()),
                    false => Ok(commit),
                }
            }),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

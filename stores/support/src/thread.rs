//! A store on a separate thread, for tests that need a store that can move between threads.

use std::sync::mpsc::{self, Sender};
use std::thread;

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{Capabilities, ListQuery, Loaded, Page, Record, Scan};
use tenure_core::{Changes, Commit, History, Result, SessionId, SyncStore};

type Job = Box<dyn FnOnce(&dyn SyncStore) + Send>;

/// A store on a separate thread, where it is also dropped.
#[derive(Debug)]
pub struct OnThread {
    jobs: Sender<Job>,
}

impl OnThread {
    /// Starts the thread, on which `serve` opens a store and passes it to its argument.
    pub fn start(serve: impl FnOnce(&dyn Fn(&dyn SyncStore)) + Send + 'static) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::spawn(move || serve(&|store| queue.iter().for_each(|job| job(store))));
        Self { jobs }
    }

    fn ask<T: Send + 'static>(&self, job: impl FnOnce(&dyn SyncStore) -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        let job: Job = Box::new(move |store| done.send(job(store)).unwrap());
        self.jobs.send(job).unwrap();
        result.recv().unwrap()
    }
}

impl SyncStore for OnThread {
    fn capabilities(&self) -> Capabilities {
        self.ask(|store| store.capabilities())
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let id = id.clone();
        self.ask(move |store| store.load(&id, history))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let changes = changes.clone();
        self.ask(move |store| store.commit(&changes))
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let query = query.clone();
        self.ask(move |store| store.list(&query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.ask(move |store| store.record(&kind, &key))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let scan = scan.clone();
        self.ask(move |store| store.scan(&scan))
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        let filter = filter.clone();
        self.ask(move |store| store.tally(&filter, aggregate))
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        let query = *query;
        self.ask(move |store| store.feed(&query))
    }
}

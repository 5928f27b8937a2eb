//! The stores of one run, which are the host's: each is opened under a number of its own and has a
//! mailbox of its own. The kit closes a store by dropping it, which cannot wait; the host closes
//! it before the next store is opened, or at the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenure_bridge::host::{HostStore, Mailbox, read_reply};
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::{
    Answer, Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::value::properties::Params;
use tenure_core::{Json, Result, SessionId, Store};
use tenure_testkit::Fixture;

/// What a run asks of the host.
pub(crate) struct Request {
    /// The number of the store that is meant.
    pub(crate) store: u32,
    /// `open`, `close`, or a method of the store.
    pub(crate) method: &'static str,
    /// What it is called with.
    pub(crate) params: Json,
}

/// The host's stores, as one run opens them.
#[derive(Default)]
pub(crate) struct Stores {
    /// A mailbox for each that was opened; the first has the number 1.
    opened: Mutex<Vec<Arc<Mailbox>>>,
    /// Those that were dropped and are still to be closed.
    dropped: Mutex<Vec<u32>>,
}

impl Stores {
    /// What the run waits for. It waits for one thing at a time.
    pub(crate) fn take_request(&self) -> Option<Request> {
        let opened = lock(&self.opened);
        let mut numbered = (1..).zip(opened.iter());
        numbered.find_map(|(store, mailbox)| {
            mailbox.take_request().map(|(method, params)| Request {
                store,
                method,
                params,
            })
        })
    }

    /// Puts the host's reply to that in.
    pub(crate) fn put_reply(&self, reply: String) {
        let opened = lock(&self.opened);
        let waiting = opened.iter().find(|mailbox| mailbox.awaited().is_some());
        if let Some(mailbox) = waiting {
            mailbox.put_reply(reply);
        }
    }

    /// Closes the stores that were dropped.
    pub(crate) async fn close_dropped(&self) -> Result<()> {
        loop {
            // Out of the table before it is asked: the borrow must not last while it waits.
            let next = lock(&self.dropped).pop();
            let Some(store) = next else { return Ok(()) };
            let index = (store - 1) as usize;
            let mailbox = lock(&self.opened).get(index).map(Arc::clone);
            if let Some(mailbox) = mailbox {
                let reply = mailbox.ask("close", Json::default()).await;
                // Whatever it returns.
                let _: Option<Json> = read_reply("close", &reply, None)?;
            }
        }
    }

    async fn open(self: &Arc<Self>) -> Result<Box<dyn Store>> {
        self.close_dropped().await?;
        let mailbox = Arc::new(Mailbox::default());
        let number = {
            let mut opened = lock(&self.opened);
            opened.push(Arc::clone(&mailbox));
            opened.len() as u32
        };
        let reply = mailbox.ask("open", Json::default()).await;
        let capabilities: Json = read_reply("open", &reply, None)?;
        let capabilities = Capabilities::read("capabilities", capabilities.as_str())?;
        Ok(Box::new(OpenStore {
            number,
            store: HostStore::new(mailbox, capabilities),
            stores: Arc::clone(self),
        }))
    }
}

/// Nothing that could panic is done while one of the lists is locked.
fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run's way to open the host's stores.
pub(crate) struct HostFixture(pub(crate) Arc<Stores>);

impl Fixture for HostFixture {
    fn open<'a>(&'a self) -> Answer<'a, Box<dyn Store>> {
        Box::pin(self.0.open())
    }
}

/// A store of the host that is open until it is dropped.
struct OpenStore {
    number: u32,
    store: HostStore,
    stores: Arc<Stores>,
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        lock(&self.stores.dropped).push(self.number);
    }
}

impl Store for OpenStore {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        self.store.load(id, history)
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        self.store.commit(changes)
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        self.store.list(query)
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        self.store.record(kind, key)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        self.store.scan(scan)
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        self.store.feed(query)
    }
}

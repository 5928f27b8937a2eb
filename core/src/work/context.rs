//! What an operation has while it runs: its [`Call`], the store, asked through a [`Mailbox`], the
//! notices that it has to send once its changes are written, and the questions with which it ends.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::store::feed::{FeedPage, FeedQuery};
use crate::store::filter::Filter;
use crate::store::query::{Found, Read};
use crate::store::tally::{Aggregate, Tally};
use crate::store::{Commit, History, ListQuery, Loaded, Page, Record, Scan};
use crate::value::id::SessionId;

use super::call::Call;
use super::mailbox::{Mailbox, Reply, Request};
use super::webhook::WebhookPayload;

/// What an operation has while it runs.
#[derive(Debug)]
pub struct Context {
    call: Call,
    mailbox: Arc<Mailbox>,
    notices: Mutex<Vec<WebhookPayload>>,
    /// The models that the host has to be asked about.
    questions: Mutex<Vec<String>>,
    has_written: AtomicBool,
}

impl Context {
    /// The context of a call.
    pub(crate) fn new(call: Call, mailbox: Arc<Mailbox>) -> Self {
        Self {
            call,
            mailbox,
            notices: Mutex::default(),
            questions: Mutex::default(),
            has_written: AtomicBool::new(false),
        }
    }

    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// A session's head with a part of its history, as of one moment.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let read = Read::Session {
            id: id.clone(),
            history,
        };
        match self.read_one(read).await? {
            Found::Session(loaded) => Ok(loaded?.map(|loaded| *loaded)),
            Found::Record(_) => Err(unexpected()),
        }
    }

    /// One record.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let read = Read::Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
        };
        match self.read_one(read).await? {
            Found::Record(record) => Ok(record),
            Found::Session(_) => Err(unexpected()),
        }
    }

    /// Several sessions and records, in one request where the store can.
    ///
    /// # Errors
    /// Those of the store. That one session cannot be read is said in its place.
    pub async fn read(&self, reads: Vec<Read>) -> Result<Vec<Found>> {
        let count = reads.len();
        match self.mailbox.ask(Request::Read(reads)).await? {
            Reply::Read(found) if found.len() == count => Ok(found),
            _ => Err(unexpected()),
        }
    }

    /// A page of sessions.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self, query: &ListQuery) -> Result<Page> {
        match self
            .mailbox
            .ask(Request::List(Box::new(query.clone())))
            .await?
        {
            Reply::Page(page) => Ok(page),
            _ => Err(unexpected()),
        }
    }

    /// A range of records, in the order of their keys.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        match self.mailbox.ask(Request::Scan(scan.clone())).await? {
            Reply::Records(records) => Ok(records),
            _ => Err(unexpected()),
        }
    }

    /// An aggregate of the sessions that a filter selects.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tally(&self, filter: Filter, aggregate: Aggregate) -> Result<Tally> {
        match self
            .mailbox
            .ask(Request::Tally(Box::new(filter), aggregate))
            .await?
        {
            Reply::Tally(tally) => Ok(tally),
            _ => Err(unexpected()),
        }
    }

    /// A part of the store's feed.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn feed(&self, query: FeedQuery) -> Result<FeedPage> {
        match self.mailbox.ask(Request::Feed(query)).await? {
            Reply::Feed(page) => Ok(page),
            _ => Err(unexpected()),
        }
    }

    /// Any request.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply> {
        let writes = matches!(request, Request::Commit(_));
        let reply = self.mailbox.ask(request).await;
        let is_refused = matches!(
            reply,
            Ok(Reply::Commit(
                Commit::SessionConflict { .. } | Commit::RecordConflict { .. }
            ))
        );
        if writes && !is_refused {
            self.has_written.store(true, Ordering::Relaxed);
        }
        reply
    }

    /// Whether the operation has written, or may have.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.load(Ordering::Relaxed)
    }

    /// Ends the operation, which is run again when the host has been asked about these models.
    pub(super) async fn end_to_ask(&self, models: Vec<String>) -> Infallible {
        *unlocked(&self.questions) = models;
        pending().await
    }

    /// Takes out the models that the host has to be asked about.
    pub(super) fn take_questions(&self) -> Vec<String> {
        std::mem::take(&mut *unlocked(&self.questions))
    }

    /// Sends these notices once the operation has ended.
    pub fn notify(&self, notices: impl IntoIterator<Item = WebhookPayload>) {
        unlocked(&self.notices).extend(notices);
    }

    /// Takes out the notices.
    pub(crate) fn take_notices(&self) -> Vec<WebhookPayload> {
        std::mem::take(&mut *unlocked(&self.notices))
    }

    async fn read_one(&self, read: Read) -> Result<Found> {
        let found = self.read(vec![read]).await?.pop();
        found.ok_or_else(unexpected)
    }
}

fn unlocked<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    // Nothing that could panic is done while a list is locked.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unexpected() -> Error {
    Error::internal("the reply is not one to the request")
}

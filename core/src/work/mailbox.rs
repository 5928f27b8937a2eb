//! Where a running operation says what it needs, and gets the reply. There is one for each operation,
//! with room for one request at a time. It holds no thread: whoever drives the operation takes the
//! request, performs it in its own way (at once, with a promise, on a runtime), puts the reply and
//! polls again.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::error::Result;
use crate::store::filter::Filter;
use crate::store::query::{Found, Read};
use crate::store::tally::Tally;
use crate::store::{Changes, Commit, ListQuery, Page, Record, Scan};
use crate::value::time::Millis;

/// What an operation needs from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Sessions and records, in this order. The reply is [`Reply::Read`].
    Read(Vec<Read>),
    /// A page of sessions. The reply is [`Reply::Page`].
    List(ListQuery),
    /// A range of records. The reply is [`Reply::Records`].
    Scan(Scan),
    /// Counts of sessions. The reply is [`Reply::Tally`].
    Tally(Filter),
    /// To write changes. The reply is [`Reply::Commit`].
    Commit(Changes),
    /// To wait, because another writer was faster. The reply is [`Reply::Slept`].
    Sleep(Millis),
}

/// The reply to a [`Request`].
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// What was found, in the order of the request.
    Read(Vec<Found>),
    /// A page of sessions.
    Page(Page),
    /// Records in the order of their keys.
    Records(Vec<Record>),
    /// Counts of sessions.
    Tally(Tally),
    /// What came of a commit.
    Commit(Commit),
    /// The time has passed.
    Slept,
}

/// A mailbox with room for one request or one reply.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Slot>);

#[derive(Debug, Default)]
#[expect(
    clippy::large_enum_variant,
    reason = "an operation has one, behind a pointer"
)]
enum Slot {
    #[default]
    Empty,
    Request(Request),
    /// The request has been taken.
    Waiting,
    Reply(Result<Reply>),
}

impl Mailbox {
    /// Takes the request out, to be performed.
    pub fn take_request(&self) -> Option<Request> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Waiting) {
            Slot::Request(request) => Some(request),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Puts the reply in, or the error of the store.
    pub fn put_reply(&self, reply: Result<Reply>) {
        *self.slot() = Slot::Reply(reply);
    }

    /// Asks, and waits for the reply.
    pub(crate) fn ask(&self, request: Request) -> Asked<'_> {
        *self.slot() = Slot::Request(request);
        Asked(self)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A slot is one value: a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose reply has not come.
pub(crate) struct Asked<'m>(&'m Mailbox);

impl Future for Asked<'_> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // Nobody is woken: whoever puts the reply polls.
        let mut slot = self.0.slot();
        match std::mem::take(&mut *slot) {
            Slot::Reply(reply) => Poll::Ready(reply),
            other => {
                *slot = other;
                Poll::Pending
            }
        }
    }
}

//! The mailbox of a running operation, with room for one request or its reply. Each operation has its
//! own. It blocks no thread: the driver of the operation takes the request, performs it in its own way
//! (synchronously, with a promise, on a runtime), puts the reply and polls again.

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

/// A request of an operation to its driver.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Read sessions and records, in this order. The reply is [`Reply::Read`].
    Read(Vec<Read>),
    /// Read a page of sessions. The reply is [`Reply::Page`].
    List(Box<ListQuery>),
    /// Read a range of records. The reply is [`Reply::Records`].
    Scan(Scan),
    /// Count sessions. The reply is [`Reply::Tally`].
    Tally(Box<Filter>),
    /// Write changes. The reply is [`Reply::Commit`].
    Commit(Changes),
    /// Wait before a retry. The reply is [`Reply::Slept`].
    Sleep(Millis),
}

/// The reply to a [`Request`].
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The sessions and records, in the order of the request.
    Read(Vec<Found>),
    /// A page of sessions.
    Page(Page),
    /// Records in the order of their keys.
    Records(Vec<Record>),
    /// Counts of sessions.
    Tally(Tally),
    /// The outcome of a commit.
    Commit(Commit),
    /// The time has passed.
    Slept,
}

/// A mailbox with room for one request or one reply.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Slot>);

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Request(Request),
    /// The request has been taken.
    Waiting,
    Reply(Result<Reply>),
}

impl Mailbox {
    /// Takes the request, to perform it.
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

    /// Puts the reply, or the error of the store.
    pub fn put_reply(&self, reply: Result<Reply>) {
        *self.slot() = Slot::Reply(reply);
    }

    /// Puts a request. The future completes with the reply.
    pub(crate) fn ask(&self, request: Request) -> PendingReply<'_> {
        *self.slot() = Slot::Request(request);
        PendingReply(self)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // A slot is one value: a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future reply to a request.
pub(crate) struct PendingReply<'m>(&'m Mailbox);

impl Future for PendingReply<'_> {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // No waker is needed: the driver polls after it has put the reply.
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

//! The mailbox of a running operation or job, with room for one request or its reply. Each has its own.
//! It blocks no thread: the driver takes the request, performs it in its own way (synchronously, with a
//! promise, on a runtime), puts the reply and polls again.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::error::Result;
use crate::store::feed::{FeedPage, FeedQuery};
use crate::store::filter::Filter;
use crate::store::query::{Found, Read};
use crate::store::tally::{Aggregate, Tally};
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
    /// Make an aggregate of sessions. The reply is [`Reply::Tally`].
    Tally(Box<Filter>, Aggregate),
    /// Read a part of the feed. The reply is [`Reply::Feed`].
    Feed(FeedQuery),
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
    /// An aggregate of sessions.
    Tally(Tally),
    /// A part of the feed.
    Feed(FeedPage),
    /// The outcome of a commit.
    Commit(Commit),
    /// The time has passed.
    Slept,
}

/// A mailbox with room for one request `Q` or one reply `A`.
#[derive(Debug)]
pub struct Mailbox<Q = Request, A = Result<Reply>>(Mutex<Slot<Q, A>>);

#[derive(Debug)]
enum Slot<Q, A> {
    Empty,
    Request(Q),
    /// The request has been taken.
    Waiting,
    Reply(A),
}

impl<Q, A> Default for Mailbox<Q, A> {
    fn default() -> Self {
        Self(Mutex::new(Slot::Empty))
    }
}

impl<Q, A> Mailbox<Q, A> {
    /// Takes the request, to perform it.
    pub fn take_request(&self) -> Option<Q> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Waiting) {
            Slot::Request(request) => Some(request),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Puts the reply.
    pub fn put_reply(&self, reply: A) {
        *self.slot() = Slot::Reply(reply);
    }

    /// Puts a request. The future completes with the reply.
    pub(crate) fn ask(&self, request: Q) -> PendingReply<'_, Q, A> {
        *self.slot() = Slot::Request(request);
        PendingReply(self)
    }

    fn slot(&self) -> MutexGuard<'_, Slot<Q, A>> {
        // A slot is one value: a panic elsewhere cannot have left half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future reply to a request.
pub(crate) struct PendingReply<'m, Q, A>(&'m Mailbox<Q, A>);

impl<Q, A> Future for PendingReply<'_, Q, A> {
    type Output = A;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // No waker is needed: the driver polls after it has put the reply.
        let mut slot = self.0.slot();
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Reply(reply) => Poll::Ready(reply),
            other => {
                *slot = other;
                Poll::Pending
            }
        }
    }
}

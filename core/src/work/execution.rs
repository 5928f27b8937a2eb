//! One operation under way. It is driven from outside: [`Execution::step`] runs it until it needs
//! something or has ended, [`Execution::reply`] gives it what it needed. [`run`] drives one over a
//! store that answers at once, [`run_async`] over one that may wait.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use crate::error::{Error, Result};
use crate::store::{Answer, Store, SyncStore, tally_at_once};
use crate::value::time::Millis;

use super::call::Call;
use super::context::Context;
use super::mailbox::{Mailbox, Reply, Request};
use super::operation::{self, AnyOperation, AnyParams, Operation, Pending};
use super::webhook::WebhookPayload;

/// An operation's result, with the notices to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<R> {
    /// The result.
    pub value: R,
    /// Webhook payloads, in the order of what they report.
    pub notices: Vec<WebhookPayload>,
}

/// The end of an operation whose types are erased.
pub type Ended = Result<Done<Box<dyn operation::Reply>>>;

/// What an operation does next.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and is taken apart at once"
)]
pub enum Step {
    /// It needs something, and goes on with the reply.
    Need(Request),
    /// It has ended.
    Ended(Ended),
}

/// An operation under way.
pub struct Execution {
    future: Pending<'static, Box<dyn operation::Reply>>,
    context: Arc<Context>,
    mailbox: Arc<Mailbox>,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").finish_non_exhaustive()
    }
}

impl Execution {
    /// An operation with parameters that it has read. Nothing of it runs before the first step.
    pub fn new(operation: &'static dyn AnyOperation, params: AnyParams, call: Call) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let context = Arc::new(Context::new(call, Arc::clone(&mailbox)));
        let own = Arc::clone(&context);
        Self {
            future: Box::pin(async move { operation.perform(&own, params).await }),
            context,
            mailbox,
        }
    }

    /// Runs it until it needs something or has ended.
    pub fn step(&mut self) -> Step {
        let waker = Waker::noop();
        match self
            .future
            .as_mut()
            .poll(&mut task::Context::from_waker(waker))
        {
            Poll::Ready(Ok(value)) => Step::Ended(Ok(Done {
                value,
                notices: self.context.take_notices(),
            })),
            Poll::Ready(Err(error)) => Step::Ended(Err(error)),
            Poll::Pending => match self.mailbox.take_request() {
                Some(request) => Step::Need(request),
                None => Step::Ended(Err(Error::internal("an operation waits for nothing"))),
            },
        }
    }

    /// Gives it what it needed, or the error of the store.
    pub fn reply(&self, reply: Result<Reply>) {
        self.mailbox.put_reply(reply);
    }
}

/// Runs an operation over a store that answers at once.
pub fn run(store: &dyn SyncStore, mut execution: Execution) -> Ended {
    loop {
        match execution.step() {
            Step::Ended(ended) => return ended,
            Step::Need(request) => execution.reply(perform(store, &request)),
        }
    }
}

/// Lets time pass, for stores that may wait.
pub trait Timer: Send + Sync {
    /// Ends after this time.
    fn sleep(&self, time: Millis) -> Answer<'_, ()>;
}

/// Runs an operation over a store that may wait.
pub async fn run_async(store: &dyn Store, timer: &dyn Timer, mut execution: Execution) -> Ended {
    loop {
        match execution.step() {
            Step::Ended(ended) => return ended,
            Step::Need(request) => {
                execution.reply(perform_async(store, timer, &request).await);
            }
        }
    }
}

/// Runs an operation whose types are known over a store that answers at once.
///
/// # Errors
/// Those of the operation.
pub fn run_typed<P, R>(
    store: &dyn SyncStore,
    operation: &'static Operation<P, R>,
    params: P,
    call: Call,
) -> Result<Done<R>>
where
    Operation<P, R>: AnyOperation,
    P: Send + Sync + 'static,
    R: 'static,
{
    typed(run(
        store,
        Execution::new(operation, Box::new(params), call),
    ))
}

/// The end of an operation as a value of its type.
///
/// # Errors
/// Those of the operation, and `INTERNAL` for a value of another type.
pub fn typed<R: 'static>(ended: Ended) -> Result<Done<R>> {
    let Done { value, notices } = ended?;
    let value = value.into_any().downcast::<R>();
    let value = *value.map_err(|_| Error::internal("a reply has another type"))?;
    Ok(Done { value, notices })
}

/// Performs one request at once. A store that answers at once has a lock of its own to wait for, so
/// that nothing is left to sleep for.
fn perform(store: &dyn SyncStore, request: &Request) -> Result<Reply> {
    match request {
        Request::Read(reads) => store.read(reads).map(Reply::Read),
        Request::List(query) => store.list(query).map(Reply::Page),
        Request::Scan(scan) => store.scan(scan).map(Reply::Records),
        Request::Tally(filter) => tally_at_once(store, filter).map(Reply::Tally),
        Request::Commit(changes) => store.commit(changes).map(Reply::Commit),
        Request::Sleep(_) => Ok(Reply::Slept),
    }
}

async fn perform_async(store: &dyn Store, timer: &dyn Timer, request: &Request) -> Result<Reply> {
    match request {
        Request::Read(reads) => store.read(reads).await.map(Reply::Read),
        Request::List(query) => store.list(query).await.map(Reply::Page),
        Request::Scan(scan) => store.scan(scan).await.map(Reply::Records),
        Request::Tally(filter) => store.tally(filter).await.map(Reply::Tally),
        Request::Commit(changes) => store.commit(changes).await.map(Reply::Commit),
        Request::Sleep(time) => timer.sleep(*time).await.map(|()| Reply::Slept),
    }
}

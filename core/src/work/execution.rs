//! The execution of one operation. A caller drives it: [`Execution::step`] runs it until it has a
//! request or has ended, [`Execution::reply`] passes the reply. [`run`] drives one over a synchronous
//! store, [`run_async`] over an asynchronous one.

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
    /// Webhook payloads, in the order of their events.
    pub notices: Vec<WebhookPayload>,
}

/// The result of an operation whose types are erased.
pub type Ended = Result<Done<Box<dyn operation::Reply>>>;

/// The result of one step of an operation.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and is taken apart at once"
)]
pub enum Step {
    /// It has a request, and continues with the reply.
    Need(Request),
    /// It has ended.
    Ended(Ended),
}

/// A running operation.
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
    /// The execution of an operation with its parameters. It starts with the first step.
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

    /// Runs it until it has a request or has ended.
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

    /// Passes it the reply to its request, or the error of the store.
    pub fn reply(&self, reply: Result<Reply>) {
        self.mailbox.put_reply(reply);
    }
}

/// Runs an operation over a synchronous store.
pub fn run(store: &dyn SyncStore, mut execution: Execution) -> Ended {
    loop {
        match execution.step() {
            Step::Ended(ended) => return ended,
            Step::Need(request) => execution.reply(perform(store, &request)),
        }
    }
}

/// The timer of an asynchronous store.
pub trait Timer: Send + Sync {
    /// Completes after this time.
    fn sleep(&self, time: Millis) -> Answer<'_, ()>;
}

/// Runs an operation over an asynchronous store.
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

/// Runs an operation whose types are known over a synchronous store.
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

/// The result of an operation as a value of its type.
///
/// # Errors
/// Those of the operation, and `INTERNAL` for a value of another type.
pub fn typed<R: 'static>(ended: Ended) -> Result<Done<R>> {
    let Done { value, notices } = ended?;
    let value = value.into_any().downcast::<R>();
    let value = *value.map_err(|_| Error::internal("a reply has another type"))?;
    Ok(Done { value, notices })
}

/// Performs one request synchronously. A synchronous store waits for its own lock, so a request to sleep
/// returns immediately.
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

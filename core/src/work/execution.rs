//! The execution of one operation. A caller drives it: [`Execution::step`] runs it until it has a
//! request or has ended, [`Execution::reply`] passes the reply. [`run`] drives one over a synchronous
//! store, [`run_async`] over an asynchronous one.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use crate::error::{Error, Result};
use crate::store::{Answer, Store, SyncStore, tally_at_once};
use crate::value::time::{Millis, Timestamp};

use super::call::Call;
use super::context::Context;
use super::mailbox::{Mailbox, Reply, Request};
use super::operation::{self, Access, AnyOperation, Decide, Pending, TakeSteps};
use super::signature::AnyParams;
use super::unit::{Progress, Unit};
use super::webhook::WebhookPayload;

/// An operation's result, with the notices to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Done<R> {
    /// The result.
    pub value: R,
    /// Webhook payloads, in the order of their events.
    pub notices: Vec<WebhookPayload>,
}

/// The end of an operation that has not failed.
#[derive(Debug, Clone, PartialEq)]
pub enum End<R> {
    /// It has a result.
    Done(Done<R>),
    /// It has done nothing, since it needs to know whether the models with these names are available.
    /// Run it again with the [answers](crate::value::models::Answers).
    Asks(Vec<String>),
}

/// The end of an operation whose types are erased.
pub type Ended = Result<End<Box<dyn operation::Reply>>>;

/// The result of one step of an operation.
pub enum Step<'e> {
    /// It has a request, and continues with the reply.
    Need(&'e Request),
    /// It has ended.
    Ended(Ended),
}

/// An operation with its parameters, ready to run.
pub struct Invocation {
    operation: &'static AnyOperation,
    params: AnyParams,
    call: Call,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invocation")
            .field(&self.operation.name())
            .finish()
    }
}

impl Invocation {
    /// The invocation of an operation with parameters of its own type.
    pub fn new(operation: &'static AnyOperation, params: AnyParams, call: Call) -> Self {
        Self {
            operation,
            params,
            call,
        }
    }

    /// Whether the operation writes.
    pub fn access(&self) -> Access {
        self.operation.access
    }

    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        self.operation.name()
    }

    /// Its parameters, if they are of this type.
    pub fn params<P: 'static>(&self) -> Option<&P> {
        self.params.downcast_ref()
    }

    /// The same at a time that is later by so many milliseconds. A time beyond the calendar stays as it was.
    #[must_use]
    pub fn later_by(mut self, millis: i64) -> Self {
        let moved = self.call.now.as_millis().saturating_add(millis);
        self.call.now = Timestamp::from_millis(moved).unwrap_or(self.call.now);
        self
    }

    /// Its execution. `isolated` tells whether all of it runs inside one transaction of the store.
    pub fn execution(self, isolated: bool) -> Execution {
        let call = Call {
            isolated,
            ..self.call
        };
        Execution::new(self.operation, self.params, call)
    }
}

/// A running operation.
pub struct Execution {
    run: Run,
    /// Whether its last request was to commit, and has no reply.
    is_committing: bool,
}

#[expect(
    clippy::large_enum_variant,
    reason = "most operations are units of work, and need no allocation"
)]
enum Run {
    Unit(UnitRun),
    Steps(StepsRun),
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").finish_non_exhaustive()
    }
}

impl Execution {
    /// The execution of an operation with its parameters. It starts with the first step.
    pub fn new(operation: &'static AnyOperation, params: AnyParams, call: Call) -> Self {
        Self {
            run: match operation.run {
                operation::Run::Unit(decide) => Run::Unit(UnitRun::new(decide, params, call)),
                operation::Run::Steps(take) => Run::Steps(StepsRun::new(take, params, call)),
            },
            is_committing: false,
        }
    }

    /// Runs it until it has a request or has ended.
    pub fn step(&mut self) -> Step<'_> {
        self.step_over(None)
    }

    /// As [`step`](Self::step). What reads from a store that is given needs no request.
    fn step_over(&mut self, store: Option<&dyn SyncStore>) -> Step<'_> {
        let step = match &mut self.run {
            Run::Unit(run) => run.step(store),
            Run::Steps(run) => run.step(),
        };
        self.is_committing = matches!(step, Step::Need(Request::Commit(_)));
        step
    }

    /// Passes it the reply to its request, or the error of the store.
    pub fn reply(&mut self, reply: Result<Reply>) {
        self.is_committing = false;
        match &mut self.run {
            Run::Unit(run) => run.reply = Some(reply),
            Run::Steps(run) => run.mailbox.put_reply(reply),
        }
    }

    /// Whether it can [start again](Self::restart): a unit of work can, since it only reads before its commit.
    pub fn restarts(&self) -> bool {
        matches!(self.run, Run::Unit(_))
    }

    /// Starts it again, as if nothing had been read. Only what [`restarts`](Self::restarts) and has
    /// written nothing does so.
    pub fn restart(&mut self) {
        self.is_committing = false;
        if let Run::Unit(run) = &mut self.run {
            run.unit = Unit::default();
            run.reply = None;
            run.value = None;
        }
    }

    /// Whether it waits for the reply to a commit, so that what it writes may or may not be stored.
    pub fn is_committing(&self) -> bool {
        self.is_committing
    }
}

/// An operation that is one unit of work.
struct UnitRun {
    decide: Decide,
    params: AnyParams,
    call: Call,
    unit: Unit,
    reply: Option<Result<Reply>>,
    /// What it has decided last.
    value: Option<Box<dyn operation::Reply>>,
}

impl UnitRun {
    fn new(decide: Decide, params: AnyParams, call: Call) -> Self {
        Self {
            decide,
            params,
            call,
            unit: Unit::default(),
            reply: None,
            value: None,
        }
    }

    fn step(&mut self, store: Option<&dyn SyncStore>) -> Step<'_> {
        let Self {
            decide,
            params,
            call,
            unit,
            reply,
            value,
        } = self;
        let progress = unit.advance(call, reply.take(), store, &mut |transaction| {
            *value = Some(decide(transaction, params)?);
            Ok(())
        });
        match progress {
            Ok(Progress::Waits) => need(unit.request()),
            Ok(Progress::Applied(notices)) => Step::Ended(match value.take() {
                Some(value) => Ok(End::Done(Done { value, notices })),
                None => Err(Error::internal("a unit of work has no result")),
            }),
            Ok(Progress::Asks(models)) => Step::Ended(Ok(End::Asks(models))),
            Ok(Progress::Conflict) => {
                Step::Ended(Err(Error::internal("a unit of work was not repeated")))
            }
            Err(error) => Step::Ended(Err(error)),
        }
    }
}

/// An operation that takes several steps.
struct StepsRun {
    future: Pending<'static, Box<dyn operation::Reply>>,
    context: Arc<Context>,
    mailbox: Arc<Mailbox>,
    request: Option<Request>,
}

impl StepsRun {
    fn new(take: TakeSteps, params: AnyParams, call: Call) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let context = Arc::new(Context::new(call, Arc::clone(&mailbox)));
        let own = Arc::clone(&context);
        Self {
            future: Box::pin(async move { take(&own, params).await }),
            context,
            mailbox,
            request: None,
        }
    }

    fn step(&mut self) -> Step<'_> {
        let waker = Waker::noop();
        match self
            .future
            .as_mut()
            .poll(&mut task::Context::from_waker(waker))
        {
            Poll::Ready(Ok(value)) => Step::Ended(Ok(End::Done(Done {
                value,
                notices: self.context.take_notices(),
            }))),
            Poll::Ready(Err(error)) => Step::Ended(Err(error)),
            Poll::Pending => {
                let models = self.context.take_questions();
                if !models.is_empty() {
                    return Step::Ended(Ok(End::Asks(models)));
                }
                self.request = self.mailbox.take_request();
                need(self.request.as_ref())
            }
        }
    }
}

fn need(request: Option<&Request>) -> Step<'_> {
    match request {
        Some(request) => Step::Need(request),
        None => Step::Ended(Err(Error::internal("an operation waits for nothing"))),
    }
}

/// Runs an operation over a synchronous store.
pub fn run(store: &dyn SyncStore, execution: &mut Execution) -> Ended {
    loop {
        let reply = match execution.step_over(Some(store)) {
            Step::Ended(ended) => return ended,
            Step::Need(request) => perform(store, request),
        };
        execution.reply(reply);
    }
}

/// The timer of an asynchronous store.
pub trait Timer: Send + Sync {
    /// Completes after this time.
    fn sleep(&self, time: Millis) -> Answer<'_, ()>;
}

/// Runs an operation over an asynchronous store. It stops when the future is dropped.
pub async fn run_async(store: &dyn Store, timer: &dyn Timer, execution: &mut Execution) -> Ended {
    loop {
        let reply = match execution.step() {
            Step::Ended(ended) => return ended,
            Step::Need(request) => perform_async(store, timer, request).await,
        };
        execution.reply(reply);
    }
}

/// The result of an operation, for a caller that answers no questions.
///
/// # Errors
/// Those of the operation, and `INTERNAL` for questions: such a caller lists the models.
pub fn done(ended: Ended) -> Result<Done<Box<dyn operation::Reply>>> {
    match ended? {
        End::Done(done) => Ok(done),
        End::Asks(_) => Err(Error::internal(
            "a caller without answers is asked about models",
        )),
    }
}

/// As [`done`], as a value of its type.
///
/// # Errors
/// Those of [`done`], and `INTERNAL` for a value of another type.
pub fn typed<R: 'static>(ended: Ended) -> Result<Done<R>> {
    let Done { value, notices } = done(ended)?;
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
        Request::Tally(filter, aggregate) => {
            tally_at_once(store, filter, *aggregate).map(Reply::Tally)
        }
        Request::Feed(query) => store.feed(query).map(Reply::Feed),
        Request::Commit(changes) => store.commit(changes).map(Reply::Commit),
        Request::Sleep(_) => Ok(Reply::Slept),
    }
}

async fn perform_async(store: &dyn Store, timer: &dyn Timer, request: &Request) -> Result<Reply> {
    match request {
        Request::Read(reads) => store.read(reads).await.map(Reply::Read),
        Request::List(query) => store.list(query).await.map(Reply::Page),
        Request::Scan(scan) => store.scan(scan).await.map(Reply::Records),
        Request::Tally(filter, aggregate) => {
            store.tally(filter, *aggregate).await.map(Reply::Tally)
        }
        Request::Feed(query) => store.feed(query).await.map(Reply::Feed),
        Request::Commit(changes) => store.commit(changes).await.map(Reply::Commit),
        Request::Sleep(time) => timer.sleep(*time).await.map(|()| Reply::Slept),
    }
}

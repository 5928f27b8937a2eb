//! The delivery of webhooks by a native host: it runs the job of `tenure_apps::webhooks` over an executor, and
//! posts what the job says. The job decides what is posted, and when again.

mod client;
mod poster;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tenure_apps::webhooks::job::{
    WEBHOOK_DELIVER, WebhookDeliverParams, WebhookDelivered, checked_concurrency,
};
use tenure_core::error::Cause;
use tenure_core::work::execution::{Invocation, done};
use tenure_core::work::job::{Job, JobReply, JobResult, Need, Standing, Step};
use tenure_core::{Error, Limits, Millis, Result};

use crate::executor::Executor;
use crate::local::{call_at, now, random_bits};
use crate::process::this_host;

pub use poster::{Poster, PosterSignal};

/// The time between two looks whether a delivery has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A delivery in the background, on a thread of its own. Dropping it stops it, and waits for nothing: what is
/// in flight ends and is settled, and nothing more is claimed.
pub struct Delivering {
    signal: PosterSignal,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// What the thread of a delivery shares with its starter.
#[derive(Default)]
struct Shared {
    delivered: Mutex<WebhookDelivered>,
    end: Mutex<End>,
}

/// Whether a delivery has ended, and what is called then.
#[derive(Default)]
enum End {
    #[default]
    Runs,
    Awaited(Box<dyn FnOnce() + Send>),
    Ended,
}

impl fmt::Debug for Delivering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivering").finish_non_exhaustive()
    }
}

impl Delivering {
    /// Starts to deliver what is queued in a store.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the parameters, `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn start(
        executor: Arc<Executor>,
        limits: Arc<Limits>,
        params: WebhookDeliverParams,
    ) -> Result<Self> {
        checked_concurrency(&params)?;
        let mut poster = Poster::new()?;
        let signal = poster.signal();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("tenure-webhooks".to_owned())
            .spawn(move || {
                // Tells the end also after a panic.
                let own = EndOnDrop(own);
                let report = |delivered: &WebhookDelivered| {
                    *unlocked(&own.0.delivered) = delivered.clone();
                };
                // An error of the store was reported, and is retried until the end.
                let _ = deliver(&executor, &limits, params, &mut poster, &report);
            })
            .map_err(|error| Cause::StoreUnavailable {
                problem: format!("no thread could be started: {error}"),
            })?;
        Ok(Self {
            signal,
            shared,
            thread,
        })
    }

    /// Looks for more to deliver at once.
    pub fn wake(&self) {
        self.signal.wake();
    }

    /// What was delivered so far.
    pub fn delivered(&self) -> WebhookDelivered {
        unlocked(&self.shared.delivered).clone()
    }

    /// Stops it, and calls `done` when it has ended, on any thread.
    pub fn stop_soon(&self, done: impl FnOnce() + Send + 'static) {
        self.signal.stop();
        let mut end = unlocked(&self.shared.end);
        match *end {
            End::Runs | End::Awaited(_) => *end = End::Awaited(Box::new(done)),
            End::Ended => {
                drop(end);
                done();
            }
        }
    }

    /// Stops it, and waits until it has ended. The thread must not be the runtime's.
    pub fn stop(self) {
        self.signal.stop();
        while !self.thread.is_finished() {
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.signal.stop();
    }
}

struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut *unlocked(&self.0.end), End::Ended);
        if let End::Awaited(done) = end {
            done();
        }
    }
}

fn unlocked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic is done while it is locked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the job to its end, on this thread.
fn deliver(
    executor: &Executor,
    limits: &Arc<Limits>,
    params: WebhookDeliverParams,
    poster: &mut Poster,
    report: &dyn Fn(&WebhookDelivered),
) -> JobResult<WebhookDelivered> {
    let began = Instant::now();
    let mut job = Job::new(&WEBHOOK_DELIVER, Box::new(params), random_bits()?);
    loop {
        let reply = match job.step() {
            Standing::Ended(ended) => {
                let delivered = ended?.into_any().downcast::<WebhookDelivered>();
                return delivered
                    .map(|delivered| *delivered)
                    .map_err(|_| unexpected().into());
            }
            Standing::Needs(Need::Run(step)) => run(executor, limits, &*step),
            Standing::Needs(Need::Post(posting)) => Ok(JobReply::Posted(poster.perform(posting))),
            Standing::Needs(Need::Progress(progress)) => {
                if let Ok(delivered) = progress.into_any().downcast::<WebhookDelivered>() {
                    report(&delivered);
                }
                Ok(JobReply::Done)
            }
            Standing::Needs(_) => Err(unexpected().into()),
        };
        let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        job.reply(reply, Millis(elapsed));
    }
}

fn run(executor: &Executor, limits: &Arc<Limits>, step: &dyn Step) -> JobResult<JobReply> {
    let call = call_at(now(), this_host(), limits)?;
    let invocation = Invocation::new(step.operation(), step.params(), call);
    let value = done(executor.run(invocation))?.value;
    Ok(JobReply::Ran(step.reply(value)?))
}

fn unexpected() -> Error {
    Error::internal("a job needs what the delivery of webhooks does not perform")
}

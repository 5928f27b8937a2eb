//! The delivery of webhooks by a native host: it runs the job of `tenure_apps::webhooks` over an executor, and
//! posts what the job says. The job decides what is posted, and when again.

mod client;
mod poster;

use std::fmt;
use std::sync::{Arc, Mutex};

use tenure_apps::webhooks::job::{
    WEBHOOK_DELIVER, WebhookDeliverParams, WebhookDelivered, checked_concurrency,
};
use tenure_core::work::job::{JobReply, JobResult, Need};
use tenure_core::{Limits, Result};

use crate::background::{Background, unlocked};
use crate::executor::Executor;
use crate::job::{drive, run_step, unexpected};

pub use poster::{Poster, PosterSignal};

/// A delivery in the background, on a thread of its own. Dropping it stops it, and waits for nothing: what is
/// in flight ends and is settled, and nothing more is claimed.
pub struct Delivering {
    signal: PosterSignal,
    delivered: Arc<Mutex<WebhookDelivered>>,
    thread: Background,
}

impl fmt::Debug for Delivering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivering").finish_non_exhaustive()
    }
}

impl Delivering {
    /// Starts to deliver what is queued in a store. `report` is called on its thread when what was delivered has changed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the parameters, `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn start(
        executor: Arc<Executor>,
        limits: Arc<Limits>,
        params: WebhookDeliverParams,
        mut report: impl FnMut(&WebhookDelivered) + Send + 'static,
    ) -> Result<Self> {
        checked_concurrency(&params)?;
        let mut poster = Poster::new()?;
        let signal = poster.signal();
        let delivered = Arc::new(Mutex::new(WebhookDelivered::default()));
        let own = Arc::clone(&delivered);
        let thread = Background::start("tenure-webhooks", move || {
            let mut keep = |delivered: &WebhookDelivered| {
                *unlocked(&own) = delivered.clone();
                report(delivered);
            };
            // An error of the store was reported, and is retried until the end.
            let _ = deliver(&executor, &limits, params, &mut poster, &mut keep);
        })?;
        Ok(Self {
            signal,
            delivered,
            thread,
        })
    }

    /// Looks for more to deliver at once.
    pub fn wake(&self) {
        self.signal.wake();
    }

    /// What was delivered so far.
    pub fn delivered(&self) -> WebhookDelivered {
        unlocked(&self.delivered).clone()
    }

    /// Stops it, and calls `done` when it has ended, on any thread.
    pub fn stop_soon(&self, done: impl FnOnce() + Send + 'static) {
        self.signal.stop();
        self.thread.ended(done);
    }

    /// Stops it, and waits until it has ended. The thread must not be the runtime's.
    pub fn stop(self) {
        self.signal.stop();
        self.thread.wait();
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.signal.stop();
    }
}

/// Runs the job to its end, on this thread.
fn deliver(
    executor: &Executor,
    limits: &Arc<Limits>,
    params: WebhookDeliverParams,
    poster: &mut Poster,
    report: &mut dyn FnMut(&WebhookDelivered),
) -> JobResult<WebhookDelivered> {
    drive(&WEBHOOK_DELIVER, params, |need| match need {
        Need::Run(step) => Ok(JobReply::Ran(run_step(executor, limits, &*step)?)),
        Need::Post(posting) => Ok(JobReply::Posted(poster.perform(posting))),
        Need::Progress(progress) => {
            if let Ok(delivered) = progress.into_any().downcast::<WebhookDelivered>() {
                report(&delivered);
            }
            Ok(JobReply::Done)
        }
        _ => Err(unexpected().into()),
    })
}

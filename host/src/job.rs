//! Runs the jobs of the core on the thread of the caller: performs what a job needs and replies, until it ends. The core decides.

use std::sync::Arc;
use std::time::Instant;

use tenure_core::work::execution::{Invocation, done};
use tenure_core::work::job::{Job, JobReply, JobResult, JobRow, Need, Standing, Step, StepReply};
use tenure_core::{Error, Limits, Millis};

use crate::executor::Executor;
use crate::local::{call_at, now, random_bits};
use crate::process::this_host;

/// Runs a job to its end. `perform` does what the job needs.
///
/// # Errors
/// The error that the job has ended with.
pub fn drive<P, R>(
    row: &'static JobRow<P, R>,
    params: P,
    mut perform: impl FnMut(Need) -> JobResult<JobReply>,
) -> JobResult<R>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let began = Instant::now();
    let mut job = Job::new(row, Box::new(params), random_bits()?);
    loop {
        let need = match job.step() {
            Standing::Needs(need) => need,
            Standing::Ended(ended) => {
                let result = ended?.into_any().downcast();
                return result
                    .map(|result| *result)
                    .map_err(|_| unexpected().into());
            }
        };
        let reply = perform(need);
        job.reply(reply, elapsed_since(began));
    }
}

/// The time since a job began.
pub fn elapsed_since(began: Instant) -> Millis {
    Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Runs an operation that a job needs, as this process, at this time.
pub(crate) fn run_step(
    executor: &Executor,
    limits: &Arc<Limits>,
    step: &dyn Step,
) -> JobResult<StepReply> {
    let call = call_at(now(), this_host(), limits)?;
    let invocation = Invocation::new(step.operation(), step.params(), call);
    let value = done(executor.run(invocation))?.value;
    Ok(step.reply(value)?)
}

/// The error for what a driver does not perform.
pub(crate) fn unexpected() -> Error {
    Error::internal("a job needs what its driver does not perform")
}

//! The driver of jobs in tests: a function of the test performs what a job needs, on a simulated
//! clock. Parameters and replies of operations are converted from and to JSON, as for a host in
//! another language.

use tenure_core::work::call::Call;
use tenure_core::work::execution::{Execution, done, run_async};
use tenure_core::work::job::{
    DriverError, Job, JobError, JobReply, JobResult, JobRow, Need, Standing, Step,
};
use tenure_core::{Json, Millis, Store};

use super::{ImmediateTimer, ready};

/// Runs a job to its end. `perform` returns the reply to a need. The clock is the time since the
/// start of the job.
pub(crate) fn run_job<P, R>(
    row: &'static JobRow<P, R>,
    params: P,
    mut perform: impl FnMut(Need, &mut u64) -> JobResult<JobReply>,
) -> JobResult<R>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let mut job = Job::new(row, Box::new(params), [7; 16]);
    let mut clock = 0;
    for _ in 0..1_000_000 {
        match job.step() {
            Standing::Needs(need) => {
                let reply = perform(need, &mut clock);
                job.reply(reply, Millis(clock));
            }
            Standing::Ended(ended) => {
                return ended.map(|reply| *reply.into_any().downcast().unwrap());
            }
        }
    }
    panic!("the job does not end");
}

/// Runs the operation that a job needs. Returns the reply for the job, and the reply as JSON.
pub(crate) fn run_step(
    store: &dyn Store,
    call: Call,
    step: &dyn Step,
) -> JobResult<(JobReply, Json)> {
    let operation = step.operation();
    let params = operation.read(step.params_json().as_str())?;
    let mut execution = Execution::new(operation, params, call);
    let done = done(ready(run_async(store, &ImmediateTimer, &mut execution)))?;
    let json = done.value.to_json();
    Ok((JobReply::Ran(step.read_reply(json.as_str())?), json))
}

/// The error of a driver.
pub(crate) fn driver_error(code: &str, number: u32) -> JobError {
    JobError::Driver(DriverError {
        code: code.into(),
        message: format!("{code} of the driver").as_str().into(),
        number,
    })
}

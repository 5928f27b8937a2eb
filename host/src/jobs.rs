//! A job at its schedule, by a native host: the core says when a run is due, which sessions it archives and which it removes. A
//! command runs a job on its own thread, the addon on one in the background.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use tenure_apps::jobs::operations::JOB_END;
use tenure_apps::jobs::run::{JobAlert, JobRetry, JobWait};
use tenure_apps::retention::purge::PurgeProgress;
use tenure_apps::scheduled::{JobReport, SCHEDULED, ScheduledParams};
use tenure_core::work::job::{
    DriverError, JobError, JobReply, JobResult, Need, Step, StepReply, Verified,
};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Limits, Result, Timestamp};

use crate::archive::{Filling, Unfinished};
use crate::background::{Background, unlocked};
use crate::executor::Executor;
use crate::job::{drive, run_step, unexpected};
use crate::local::now;
use crate::metrics::{JobName, JobPass};

/// How often the progress of a run in the background is reported at most.
const PACE: Duration = Duration::from_millis(200);

/// Where a job runs.
pub trait ScheduledHost {
    /// Runs an operation over the store.
    ///
    /// # Errors
    /// Those of the operation.
    fn run(&mut self, step: &dyn Step) -> JobResult<StepReply>;

    /// The time of what is archived.
    fn now(&self) -> Timestamp;

    /// Whether the job is to stop.
    fn stops(&self) -> bool;

    /// Lets time pass, until the job is to stop.
    fn sleep(&mut self, time: Duration);

    /// Takes what becomes of the job.
    fn notify(&mut self, news: JobNews);
}

/// What becomes of a job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum JobNews {
    /// How far a run is.
    Progress(PurgeProgress),
    /// The job waits for its time.
    Wait(JobWait),
    /// Sessions are tried again later.
    Retry(JobRetry),
    /// A run has ended.
    #[serde(rename = "report")]
    Ended(Box<JobReport>),
    /// Something that a person should know of.
    Alert(JobAlert),
}

/// Runs a job at its schedule until it is to stop, or once. A run that is stopped still releases its lease.
///
/// # Errors
/// `INVALID_ARGUMENT` for the parameters; `ABORTED`, as an error of the driver, if it was stopped; those of the store for a job that
/// runs once.
pub fn run_scheduled(
    params: ScheduledParams,
    mut archive: Option<Filling>,
    host: &mut dyn ScheduledHost,
) -> JobResult<JobReport> {
    let params = checked(params, archive.as_ref())?;
    drive(&SCHEDULED, params, |need| perform(need, &mut archive, host))
}

/// The parameters of a job with or without an archive.
fn checked(params: ScheduledParams, archive: Option<&Filling>) -> Result<ScheduledParams> {
    let params = ScheduledParams {
        archive: Some(archive.is_some()),
        ..params
    };
    params.check()?;
    Ok(params)
}

fn perform(
    need: Need,
    archive: &mut Option<Filling>,
    host: &mut dyn ScheduledHost,
) -> JobResult<JobReply> {
    match need {
        Need::Run(step) => {
            if step.operation().name() == JOB_END.name() {
                // The next run must not list what this one has left.
                archive.as_mut().into_iter().for_each(Filling::discard);
            } else if host.stops() {
                return Err(stopped());
            }
            Ok(JobReply::Ran(host.run(&*step)?))
        }
        Need::Export(part) => {
            let filling = archive.as_mut().ok_or_else(no_archive)?;
            filling.add(part, &|| host.stops()).map_err(unfinished)?;
            Ok(JobReply::Done)
        }
        Need::Verify => {
            let verified = match archive {
                Some(filling) => {
                    let finished = filling.finish(host.now(), &|| host.stops());
                    finished.map_err(unfinished)?
                }
                None => Verified::default(),
            };
            Ok(JobReply::Verified(verified))
        }
        Need::Thin(age) => {
            let filling = archive.as_mut().ok_or_else(no_archive)?;
            let thinned = filling.thin(age, host.now(), &|| host.stops());
            Ok(JobReply::Thinned(thinned.map_err(unfinished)?))
        }
        Need::Sleep(time) => {
            host.sleep(Duration::from_millis(time.0));
            match host.stops() {
                true => Err(stopped()),
                false => Ok(JobReply::Done),
            }
        }
        Need::Progress(progress) => {
            if let Some(news) = news_of(progress) {
                host.notify(news);
            }
            Ok(JobReply::Done)
        }
        _ => Err(unexpected().into()),
    }
}

/// What the progress of the job says.
fn news_of(progress: Box<dyn Reply>) -> Option<JobNews> {
    taken(progress.into_any(), |report| {
        JobNews::Ended(Box::new(report))
    })
    .or_else(|other| taken(other, JobNews::Alert))
    .or_else(|other| taken(other, JobNews::Retry))
    .or_else(|other| taken(other, JobNews::Wait))
    .or_else(|other| taken(other, JobNews::Progress))
    .ok()
}

/// The news of a progress of this type; the progress itself if it is of another one.
fn taken<T: 'static>(
    progress: Box<dyn Any>,
    news: impl FnOnce(T) -> JobNews,
) -> std::result::Result<JobNews, Box<dyn Any>> {
    progress.downcast().map(|progress| news(*progress))
}

fn no_archive() -> Error {
    Error::internal("there is no archive")
}

/// The error of a job whose archive has not done its work.
fn unfinished(problem: Unfinished) -> JobError {
    match problem {
        Unfinished::Stopped => stopped(),
        Unfinished::Failed(error) => JobError::Core(error.into()),
    }
}

/// The error that ends a job which is to stop.
fn stopped() -> JobError {
    JobError::Driver(DriverError {
        code: "ABORTED".into(),
        message: "the job was stopped".into(),
        number: 0,
    })
}

/// A job that runs at its schedule on a thread of its own. Dropping it stops it, and waits for nothing: the step that it performs ends,
/// and the rest of a run is left to the next one.
pub struct RunningJob {
    stop: Arc<Stop>,
    thread: Background,
}

impl fmt::Debug for RunningJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningJob").finish_non_exhaustive()
    }
}

impl RunningJob {
    /// Starts a job. `notify` is called on its thread.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the parameters, `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn start(
        executor: Arc<Executor>,
        limits: Arc<Limits>,
        params: ScheduledParams,
        archive: Option<Filling>,
        notify: impl FnMut(JobNews) + Send + 'static,
    ) -> Result<Self> {
        let params = checked(params, archive.as_ref())?;
        let stop = Arc::new(Stop::default());
        let mut host = InBackground {
            executor,
            limits,
            stop: Arc::clone(&stop),
            notify: Box::new(notify),
            notified_at: None,
        };
        let thread = Background::start("tenure-jobs", move || {
            // It ends when it is stopped. What fails before is in the reports of runs, and is retried.
            let _ = run_scheduled(params, archive, &mut host);
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops it, and calls `done` when it has ended, on any thread.
    pub fn stop_soon(&self, done: impl FnOnce() + Send + 'static) {
        self.stop.ask();
        self.thread.ended(done);
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

/// Whether a job is to stop.
#[derive(Default)]
struct Stop {
    is_asked: Mutex<bool>,
    asked: Condvar,
}

impl Stop {
    fn ask(&self) {
        *unlocked(&self.is_asked) = true;
        self.asked.notify_all();
    }

    fn is_asked(&self) -> bool {
        *unlocked(&self.is_asked)
    }

    fn wait(&self, time: Duration) {
        let is_asked = unlocked(&self.is_asked);
        // Whether it was asked, its caller looks itself.
        drop(
            self.asked
                .wait_timeout_while(is_asked, time, |is_asked| !*is_asked),
        );
    }
}

/// The thread of a job.
struct InBackground {
    executor: Arc<Executor>,
    limits: Arc<Limits>,
    stop: Arc<Stop>,
    notify: Box<dyn FnMut(JobNews) + Send>,
    /// When the progress was reported last.
    notified_at: Option<Instant>,
}

impl ScheduledHost for InBackground {
    fn run(&mut self, step: &dyn Step) -> JobResult<StepReply> {
        run_step(&self.executor, &self.limits, step)
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn stops(&self) -> bool {
        self.stop.is_asked()
    }

    fn sleep(&mut self, time: Duration) {
        self.stop.wait(time);
    }

    fn notify(&mut self, news: JobNews) {
        match &news {
            JobNews::Progress(_) => {
                if self.notified_at.is_some_and(|at| at.elapsed() < PACE) {
                    return;
                }
                self.notified_at = Some(Instant::now());
            }
            JobNews::Ended(report) => self.executor.meter().job(JobPass {
                job: JobName::Retention,
                duration_ms: report.duration_ms,
                failed: report.outcome == "failed",
                batches: 0,
                removed: report.trashed + report.removed,
                not_removed: report.errors,
            }),
            JobNews::Alert(_) | JobNews::Retry(_) | JobNews::Wait(_) => {}
        }
        (self.notify)(news);
    }
}

//! Runs the jobs of the core for a command: performs what a job needs and replies, until it ends. The
//! core decides; a command opens stores, reads and writes files, waits, and shows the progress.

use std::thread;
use std::time::Duration;

use tenure_core::work::job::{
    DriverError, Ended, ExportedPart, FolderEntry, JobError, JobReply, JobResult, JobRow, Need,
    Posting, ReadFile, Side, Step, StepReply, Verified,
};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Millis, Text};
use tenure_host::drive;

use crate::exit::Failure;

/// The actions of a command that a job needs.
pub(crate) trait JobHost {
    /// Opens a store. Returns its identity if it is known.
    fn open(&mut self, _store: Side) -> Result<Option<Text>, Failure> {
        Err(unexpected())
    }

    /// Runs an operation over a store.
    fn run(&mut self, _step: &dyn Step) -> Result<StepReply, Failure> {
        Err(unexpected())
    }

    /// Stores a part of an exported session. The error is a code with a message.
    fn export(&mut self, _part: ExportedPart) -> Result<(), Coded> {
        Err(unexpected().into())
    }

    /// Makes what was exported durable; by default all is.
    fn verify(&mut self) -> Result<Verified, Failure> {
        Ok(Verified::default())
    }

    /// Lets time pass.
    fn sleep(&mut self, time: Millis) -> Result<(), Failure> {
        thread::sleep(Duration::from_millis(time.0));
        Ok(())
    }

    /// Reads a file. The error is a code with a message.
    fn read_file(&mut self, _path: &Text) -> Result<ReadFile, Coded> {
        Err(unexpected().into())
    }

    /// Reads the entries of a folder. The error is a code with a message.
    fn read_folder(&mut self, _path: &Text) -> Result<Vec<FolderEntry>, Coded> {
        Err(unexpected().into())
    }

    /// Makes the call of a retried job. Returns the code of its outcome.
    fn attempt(&mut self) -> Result<Text, Failure> {
        Err(unexpected())
    }

    /// Posts texts, and waits for the end of a post.
    fn post(&mut self, _posting: Posting) -> Result<Ended, Failure> {
        Err(unexpected())
    }

    /// Shows the progress.
    fn progress(&mut self, _progress: Box<dyn Reply>) {}
}

/// The failure of a step of a job: an error with a code that the job knows, or another failure.
pub(crate) enum Coded {
    /// A code and a message.
    Code(&'static str, String),
    /// A failure that ends the job.
    Failure(Failure),
}

impl From<Failure> for Coded {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Runs a job to its end.
pub(crate) fn run_job<P, R>(
    row: &'static JobRow<P, R>,
    params: P,
    host: &mut dyn JobHost,
) -> Result<R, Failure>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let mut driver = Driver {
        host,
        failure: None,
    };
    let ended = drive(row, params, |need| driver.perform(need));
    ended.map_err(|error| driver.failure_of(error))
}

/// What performs the needs of one job.
struct Driver<'h> {
    host: &'h mut dyn JobHost,
    /// The last failure that is not an error of the core, and its number.
    failure: Option<(u32, Failure)>,
}

impl Driver<'_> {
    fn perform(&mut self, need: Need) -> JobResult<JobReply> {
        match need {
            Need::Open(store) => {
                let opened = self.host.open(store);
                self.reply(opened, JobReply::Opened)
            }
            Need::Run(step) => {
                let ran = self.host.run(&*step);
                self.reply(ran, JobReply::Ran)
            }
            Need::Export(part) => {
                let exported = self.host.export(part);
                self.coded_reply(exported, |()| JobReply::Done)
            }
            Need::Verify => {
                let verified = self.host.verify();
                self.reply(verified, JobReply::Verified)
            }
            Need::ReadFile(path) => {
                let file = self.host.read_file(&path);
                self.coded_reply(file, JobReply::File)
            }
            Need::ReadFolder(path) => {
                let entries = self.host.read_folder(&path);
                self.coded_reply(entries, JobReply::Folder)
            }
            Need::Thin(_) => Err(self.keep(unexpected())),
            Need::Sleep(time) => {
                let slept = self.host.sleep(time);
                self.reply(slept, |()| JobReply::Done)
            }
            Need::Attempt => {
                let attempted = self.host.attempt();
                self.reply(attempted, JobReply::Attempted)
            }
            Need::Post(posting) => {
                let posted = self.host.post(posting);
                self.reply(posted, JobReply::Posted)
            }
            Need::Progress(progress) => {
                self.host.progress(progress);
                Ok(JobReply::Done)
            }
        }
    }

    fn reply<T>(
        &mut self,
        performed: Result<T, Failure>,
        reply: impl FnOnce(T) -> JobReply,
    ) -> JobResult<JobReply> {
        performed.map(reply).map_err(|failure| self.keep(failure))
    }

    fn coded_reply<T>(
        &mut self,
        performed: Result<T, Coded>,
        reply: impl FnOnce(T) -> JobReply,
    ) -> JobResult<JobReply> {
        performed.map(reply).map_err(|coded| match coded {
            Coded::Failure(failure) => self.keep(failure),
            Coded::Code(code, message) => JobError::Driver(DriverError {
                code: code.into(),
                message: message.into(),
                number: 0,
            }),
        })
    }

    /// Stores a failure that is not an error of the core, in case the job ends with it.
    fn keep(&mut self, failure: Failure) -> JobError {
        if let Failure::Error(error) = failure {
            return JobError::Core(error);
        }
        let number = self.failure.as_ref().map_or(1, |(last, _)| last + 1);
        self.failure = Some((number, failure));
        JobError::Driver(DriverError {
            code: "ABORTED".into(),
            message: "the command has stopped".into(),
            number,
        })
    }

    fn failure_of(&mut self, error: JobError) -> Failure {
        match error {
            JobError::Core(error) => error.into(),
            JobError::Driver(error) => match self.failure.take() {
                Some((number, failure)) if number == error.number => failure,
                _ => Error::internal(error.message.to_string()).into(),
            },
        }
    }
}

fn unexpected() -> Failure {
    Error::internal("a job needs what the command does not perform").into()
}

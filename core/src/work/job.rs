//! A job: work that is made of several operations, such as the copy of a store. It performs nothing
//! itself. It says what it [`Need`]s (an operation, a file, time to pass); its driver performs that and
//! replies. So a job runs over any stores, in a loop or with promises, and its rules are written once.
//! Each operation is its own transaction: a job that is stopped has done what it has done.

use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::value::json::Json;
use crate::value::properties::Property;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

use super::mailbox::Mailbox;
use super::operation::{AnyOperation, Operation, Reply};
use super::signature::{AnyParams, Signature, other_params};

/// A store of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The store that is copied from.
    Source,
    /// The store that is written to; the only one of most jobs.
    Target,
}

/// What a job needs of its driver.
pub enum Need {
    /// Open a store, before an operation runs over it. The reply is [`JobReply::Opened`].
    Open(Side),
    /// Run an operation. The reply is [`JobReply::Ran`].
    Run(Box<dyn Step>),
    /// Keep a part of an exported session outside of the store. The reply is [`JobReply::Done`].
    Export(ExportedPart),
    /// Make what was exported since the last time durable, and verify it. The reply is [`JobReply::Verified`].
    #[cfg(feature = "archive")]
    Verify,
    /// Remove from the archive what was archived this long ago. The reply is [`JobReply::Thinned`].
    #[cfg(feature = "telemetry")]
    Thin(Millis),
    /// Read a file. The reply is [`JobReply::File`].
    ReadFile(Text),
    /// Read the entries of a folder. The reply is [`JobReply::Folder`].
    ReadFolder(Text),
    /// Let time pass. The reply is [`JobReply::Done`].
    Sleep(Millis),
    /// Make the call that the job is about. The reply is [`JobReply::Attempted`].
    Attempt,
    /// Show the progress. The reply is [`JobReply::Done`].
    Progress(Box<dyn Reply>),
    /// Post texts to other servers, and wait for the end of a post, of this need or an earlier one. The
    /// reply is [`JobReply::Posted`].
    #[cfg(feature = "outbox")]
    Post(Posting),
}

/// The reply to a [`Need`].
pub enum JobReply {
    /// The store is open. Two handles on one store have this text in common, if it is known.
    Opened(Option<Text>),
    /// The reply of the operation, as [`Step::reply`] or [`Step::read_reply`] returns it.
    Ran(StepReply),
    /// It is done.
    Done,
    /// What was made durable.
    #[cfg(feature = "archive")]
    Verified(Verified),
    /// The number of sessions that were removed from the archive.
    #[cfg(feature = "telemetry")]
    Thinned(u64),
    /// The file.
    File(ReadFile),
    /// The entries of the folder.
    Folder(Vec<FolderEntry>),
    /// The code of the outcome of the call.
    Attempted(Text),
    /// The posts that have ended.
    #[cfg(feature = "outbox")]
    Posted(Ended),
}

/// A part of an exported session. The parts of a session come one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedPart {
    /// The session's id.
    pub id: Text,
    /// The session's version.
    pub version: u64,
    /// What an archive lists of the session, with the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Json>,
    /// A part of the text that the operation `export` returns.
    pub text: Text,
    /// Whether it is the first part of the session.
    pub is_first: bool,
    /// Whether it is the last part of the session.
    pub is_last: bool,
    /// Whether the session cannot be exported to its end. The former parts are no export then.
    pub is_aborted: bool,
}

/// What was made durable of the exported sessions.
#[cfg(feature = "archive")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The bytes of the sessions that are durable and were verified, if that is known.
    pub bytes: u64,
    /// The sessions that are not.
    pub failed: Vec<NotVerified>,
    /// Why the archive as a whole takes no more, if that is why they failed.
    pub unavailable: Option<DriverError>,
}

/// An exported session that is not durable, or is not what was exported.
#[cfg(feature = "archive")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotVerified {
    /// The session's id.
    pub id: Text,
    /// The code of the error.
    pub code: Text,
    /// The message of the error.
    pub message: Text,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadFile {
    /// Its text.
    pub text: Text,
    /// When it was last changed, if that is known.
    pub modified_at: Option<Timestamp>,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderEntry {
    /// Its path.
    pub path: Text,
    /// Whether it is a folder, and not a file.
    pub is_folder: bool,
}

/// Texts to post, and how long to wait.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// What to post. A driver starts all of it at once.
    pub start: Vec<Post>,
    /// How long to wait at most, in milliseconds. A driver replies sooner when a post has ended, when there
    /// may be more to deliver, and when it stops.
    pub wait_ms: u64,
}

/// A text to post. Redirects are not followed, and the body of the response is not read.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    /// The number of the post in its job.
    pub number: u32,
    /// The URL, `http:` or `https:`.
    pub url: Text,
    /// The headers.
    pub headers: Vec<Header>,
    /// The text.
    pub body: Text,
    /// How long it may take until the response has begun, in milliseconds.
    pub timeout_ms: u64,
    /// Whether addresses of private networks and of this machine are allowed.
    pub allow_private: bool,
}

/// A header of a request.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Its name, in lower case.
    pub name: Text,
    /// Its value.
    pub value: Text,
}

/// The posts that have ended.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// One for each post that has ended since the last reply.
    pub posts: Vec<EndedPost>,
    /// Whether the driver stops: no further post is to be started.
    pub stops: bool,
}

/// How a post has ended: with a status, or a problem.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedPost {
    /// The number of the post.
    pub number: u32,
    /// The status of the response.
    pub status: Option<u32>,
    /// The header `retry-after` of the response.
    pub retry_after: Option<Text>,
    /// The beginning of the body of a response that is no delivery.
    pub answer: Option<Text>,
    /// Why there is no response.
    pub problem: Option<Text>,
}

/// What went wrong in a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobError {
    /// An error of the core.
    Core(Error),
    /// An error of the driver.
    Driver(DriverError),
}

/// An error of a driver. The job sees its code and its message; the driver keeps the error itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriverError {
    /// The code of the error.
    pub code: Text,
    /// The message of the error.
    pub message: Text,
    /// The number under which the driver has the error.
    pub number: u32,
}

impl JobError {
    /// The code of the error.
    pub fn code(&self) -> &str {
        match self {
            Self::Core(error) => error.code(),
            Self::Driver(error) => error.code.as_str(),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(error) => error.fmt(f),
            Self::Driver(error) => f.write_str(error.message.as_str()),
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// The result of a job, or of a part of it.
pub type JobResult<T> = Result<T, JobError>;

/// The reply of an operation, as the job reads it.
pub type StepReply = Box<dyn Any + Send>;

/// An operation that a job needs. A driver in Rust passes its parameters and its reply as they are; a
/// driver in another language passes JSON.
pub trait Step: Send {
    /// The store to run it over.
    fn store(&self) -> Side;
    /// The time within which the reply is of use. A driver that can stop waiting replies with an error
    /// after it.
    fn within(&self) -> Option<Millis>;
    /// The operation.
    fn operation(&self) -> &'static AnyOperation;
    /// Its parameters.
    fn params(&self) -> AnyParams;
    /// Its parameters, as JSON.
    fn params_json(&self) -> Json;
    /// The part of its reply that the job reads.
    ///
    /// # Errors
    /// `INTERNAL` for the reply of another operation.
    fn reply(&self, reply: Box<dyn Reply>) -> Result<StepReply>;
    /// The part of its reply that the job reads, from JSON.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read_reply(&self, json: &str) -> Result<StepReply>;
}

/// An operation with parameters `P` and the reply `R`, of which the job reads `T`.
struct TypedStep<P: 'static, R: 'static, T> {
    store: Side,
    operation: &'static Operation<P, R>,
    params: P,
    within: Option<Millis>,
    reads: PhantomData<fn() -> T>,
}

impl<P, R, T> Step for TypedStep<P, R, T>
where
    P: Serialize + Clone + Send + Sync + 'static,
    R: 'static,
    T: From<R> + Property + Send + 'static,
{
    fn store(&self) -> Side {
        self.store
    }

    fn within(&self) -> Option<Millis> {
        self.within
    }

    fn operation(&self) -> &'static AnyOperation {
        self.operation
    }

    fn params(&self) -> AnyParams {
        Box::new(self.params.clone())
    }

    fn params_json(&self) -> Json {
        Json::of(&self.params)
    }

    fn reply(&self, reply: Box<dyn Reply>) -> Result<StepReply> {
        match reply.into_any().downcast::<R>() {
            Ok(reply) => Ok(Box::new(T::from(*reply))),
            Err(_) => Err(other_reply()),
        }
    }

    fn read_reply(&self, json: &str) -> Result<StepReply> {
        Ok(Box::new(T::read(self.operation.name(), json)?))
    }
}

type JobMailbox = Mailbox<Need, JobResult<JobReply>>;

/// What a job has while it runs.
#[derive(Clone)]
pub struct JobContext {
    mailbox: Arc<JobMailbox>,
    elapsed: Arc<AtomicU64>,
    random: Arc<Mutex<u64>>,
}

impl JobContext {
    fn new(entropy: [u8; 16]) -> Self {
        let (seed, _) = entropy.split_at(8);
        let seed = seed
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Self {
            mailbox: Arc::default(),
            elapsed: Arc::default(),
            random: Arc::new(Mutex::new(seed)),
        }
    }

    /// Opens a store. Returns what identifies it, if that is known.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(&self, store: Side) -> JobResult<Option<Text>> {
        match self.mailbox.ask(Need::Open(store)).await? {
            JobReply::Opened(identity) => Ok(identity),
            _ => Err(other_reply().into()),
        }
    }

    /// Runs an operation over a store. The job reads `T` of its reply.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run<P, R, T>(
        &self,
        store: Side,
        operation: &'static Operation<P, R>,
        params: P,
    ) -> impl Future<Output = JobResult<T>> + Send
    where
        P: Serialize + Clone + Send + Sync + 'static,
        R: 'static,
        T: From<R> + Property + Send + 'static,
    {
        self.run_within(store, operation, params, None)
    }

    /// As [`JobContext::run`], with the time within which the reply is of use.
    ///
    /// # Errors
    /// Those of the operation, and one of the driver after that time.
    pub fn run_within<P, R, T>(
        &self,
        store: Side,
        operation: &'static Operation<P, R>,
        params: P,
        within: Option<Millis>,
    ) -> impl Future<Output = JobResult<T>> + Send
    where
        P: Serialize + Clone + Send + Sync + 'static,
        R: 'static,
        T: From<R> + Property + Send + 'static,
    {
        let step = TypedStep {
            store,
            operation,
            params,
            within,
            reads: PhantomData::<fn() -> T>,
        };
        // The cast alone depends on the types, so that little is compiled for each of them.
        let reply = self.run_step(Box::new(step));
        async move {
            match reply.await?.downcast() {
                Ok(reply) => Ok(*reply),
                Err(_) => Err(other_reply().into()),
            }
        }
    }

    fn run_step(&self, step: Box<dyn Step>) -> JobFuture<StepReply> {
        let mailbox = Arc::clone(&self.mailbox);
        Box::pin(async move {
            match mailbox.ask(Need::Run(step)).await? {
                JobReply::Ran(reply) => Ok(reply),
                _ => Err(other_reply().into()),
            }
        })
    }

    /// Keeps a part of an exported session outside of the store.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn export(&self, part: ExportedPart) -> JobResult<()> {
        self.do_it(Need::Export(part)).await
    }

    /// Makes what was exported durable, and verifies it.
    ///
    /// # Errors
    /// Those of the driver that concern all sessions.
    #[cfg(feature = "archive")]
    pub async fn verify(&self) -> JobResult<Verified> {
        match self.mailbox.ask(Need::Verify).await? {
            JobReply::Verified(verified) => Ok(verified),
            _ => Err(other_reply().into()),
        }
    }

    /// Removes from the archive what was archived this long ago. Returns the number of sessions.
    ///
    /// # Errors
    /// Those of the driver.
    #[cfg(feature = "telemetry")]
    pub async fn thin(&self, age: Millis) -> JobResult<u64> {
        match self.mailbox.ask(Need::Thin(age)).await? {
            JobReply::Thinned(sessions) => Ok(sessions),
            _ => Err(other_reply().into()),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn read_file(&self, path: Text) -> JobResult<ReadFile> {
        match self.mailbox.ask(Need::ReadFile(path)).await? {
            JobReply::File(file) => Ok(file),
            _ => Err(other_reply().into()),
        }
    }

    /// Reads the entries of a folder.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn read_folder(&self, path: Text) -> JobResult<Vec<FolderEntry>> {
        match self.mailbox.ask(Need::ReadFolder(path)).await? {
            JobReply::Folder(entries) => Ok(entries),
            _ => Err(other_reply().into()),
        }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// Those of the driver, such as that the job was aborted.
    pub async fn sleep(&self, time: Millis) -> JobResult<()> {
        self.do_it(Need::Sleep(time)).await
    }

    /// Makes the call that the job is about. Returns the code of its outcome.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn attempt(&self) -> JobResult<Text> {
        match self.mailbox.ask(Need::Attempt).await? {
            JobReply::Attempted(outcome) => Ok(outcome),
            _ => Err(other_reply().into()),
        }
    }

    /// Shows the progress.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn progress(&self, progress: impl Reply) -> JobResult<()> {
        self.do_it(Need::Progress(Box::new(progress))).await
    }

    /// Posts texts, and waits for the end of a post. Returns those that have ended.
    ///
    /// # Errors
    /// Those of the driver.
    #[cfg(feature = "outbox")]
    pub async fn post(&self, posting: Posting) -> JobResult<Ended> {
        match self.mailbox.ask(Need::Post(posting)).await? {
            JobReply::Posted(ended) => Ok(ended),
            _ => Err(other_reply().into()),
        }
    }

    async fn do_it(&self, need: Need) -> JobResult<()> {
        match self.mailbox.ask(need).await? {
            JobReply::Done => Ok(()),
            _ => Err(other_reply().into()),
        }
    }

    /// The time since the job began, on the driver's monotonic clock, at the last reply.
    pub fn elapsed(&self) -> Millis {
        Millis(self.elapsed.load(Ordering::Relaxed))
    }

    /// A random number from 0 to `max`.
    pub fn random(&self, max: u64) -> u64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        // SplitMix64: delays need to differ between processes, no more.
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let random = mixed ^ (mixed >> 31);
        max.checked_add(1).map_or(random, |count| random % count)
    }
}

/// A job's future.
pub type JobFuture<R> = Pin<Box<dyn Future<Output = JobResult<R>> + Send>>;

/// A job, whatever the types of its parameters and its result.
pub struct AnyJob {
    /// How it is called.
    pub signature: Signature,
    /// Begins it with parameters that it has read.
    pub begin: fn(JobContext, AnyParams) -> JobFuture<Box<dyn Reply>>,
}

/// A job that takes parameters `P` and results in `R`.
pub struct JobRow<P, R> {
    /// The job.
    pub job: AnyJob,
    /// Its types.
    pub types: PhantomData<fn(P) -> R>,
}

impl<P, R> Deref for JobRow<P, R> {
    type Target = AnyJob;

    fn deref(&self) -> &AnyJob {
        &self.job
    }
}

/// Begins a job with parameters of type `P`. Its result has any type.
pub fn begun<P: 'static, R: Reply, F>(
    params: AnyParams,
    begin: impl FnOnce(P) -> F,
) -> JobFuture<Box<dyn Reply>>
where
    F: Future<Output = JobResult<R>> + Send + 'static,
{
    match params.downcast() {
        Ok(params) => {
            let job = begin(*params);
            Box::pin(async move { Ok(Box::new(job.await?) as Box<dyn Reply>) })
        }
        Err(_) => Box::pin(ready(Err(other_params().into()))),
    }
}

/// Declares jobs, and the list of them, as [`operations!`](crate::operations) does with operations.
#[macro_export]
macro_rules! jobs {
    ($(
        $(#[doc = $doc:literal])+
        $constant:ident = $name:literal ($params:ty) -> $result:ty, $run:path, $sample:expr;
    )*) => {
        $(
            $(#[doc = $doc])+
            pub static $constant: $crate::work::job::JobRow<$params, $result> =
                $crate::work::job::JobRow {
                    job: $crate::work::job::AnyJob {
                        signature: $crate::work::signature::Signature::of::<$params, $result>(
                            $name,
                            concat!($($doc, "\n"),+),
                            $sample,
                        ),
                        begin: |context, params| {
                            $crate::work::job::begun::<$params, $result, _>(params, |params| {
                                $run(context, params)
                            })
                        },
                    },
                    types: std::marker::PhantomData,
                };
        )*

        /// These jobs, in the order in which the documentation shows them.
        pub static JOBS: &[&$crate::work::job::AnyJob] = &[$(&$constant.job),*];
    };
}

/// A running job.
pub struct Job {
    context: JobContext,
    future: JobFuture<Box<dyn Reply>>,
}

/// Where a job stands.
pub enum Standing {
    /// It needs something.
    Needs(Need),
    /// It has ended.
    Ended(JobResult<Box<dyn Reply>>),
}

impl Job {
    /// A job that has not begun. `params` are as its row reads them; `entropy` are random bits.
    pub fn new(row: &AnyJob, params: AnyParams, entropy: [u8; 16]) -> Self {
        let context = JobContext::new(entropy);
        let future = (row.begin)(context.clone(), params);
        Self { context, future }
    }

    /// Runs the job to what it needs next, or to its end. After a need, [`Job::reply`] comes first.
    pub fn step(&mut self) -> Standing {
        let waker = Waker::noop();
        match self
            .future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker))
        {
            Poll::Ready(ended) => Standing::Ended(ended),
            Poll::Pending => match self.context.mailbox.take_request() {
                Some(need) => Standing::Needs(need),
                None => Standing::Ended(Err(Error::internal("a job waits for nothing").into())),
            },
        }
    }

    /// Replies to what the job needed. `elapsed` is the time since it began, on a monotonic clock.
    pub fn reply(&self, reply: JobResult<JobReply>, elapsed: Millis) {
        self.context.elapsed.store(elapsed.0, Ordering::Relaxed);
        self.context.mailbox.put_reply(reply);
    }
}

fn other_reply() -> Error {
    Error::internal("the reply is not one to what a job needs")
}

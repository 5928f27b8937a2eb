//! The running jobs of a binding. A job says what it needs as JSON text, the host performs it and
//! replies with JSON text, as with the requests to a store that the host provides.

use std::cell::{Cell, RefCell};

use serde::Serialize;
use tenure_core::value::properties::{Params, Properties, Property};
use tenure_core::work::job::{
    DriverError, FolderEntry, Job, JobError, JobReply, JobResult, Need, ReadFile, Side, Standing,
    Step,
};
#[cfg(feature = "apps")]
use tenure_core::work::job::{Ended, EndedPost, NotVerified, Verified};
use tenure_core::{Error, Json, Millis, Result, Text};

use crate::answer::{self, Answer};
use crate::numbered::Numbered;
use crate::table::TABLE;

/// The running jobs.
#[derive(Default)]
pub struct Jobs {
    running: RefCell<Numbered<Running>>,
    last: Cell<u32>,
}

/// A job that waits for a reply.
struct Running {
    job: Job,
    awaited: Awaited,
}

/// The kind of reply that a job waits for.
enum Awaited {
    Opened,
    Ran(Box<dyn Step>),
    Done,
    #[cfg(feature = "apps")]
    Verified,
    #[cfg(feature = "telemetry")]
    Thinned,
    File,
    Folder,
    Attempted,
    #[cfg(feature = "apps")]
    Posted,
}

impl Jobs {
    /// Starts the job of a name. Returns its result, or what it needs first. `bits` are random.
    pub fn start(&self, name: &str, params: &str, bits: [u8; 16]) -> Answer {
        let job = TABLE.find_job(name).and_then(|row| {
            let params = row.signature.read(params)?;
            Ok(Job::new(row, params, bits))
        });
        match job {
            Ok(job) => {
                // Never used twice: a late reply must not meet another job.
                let id = self.last.get() + 1;
                self.last.set(id);
                self.step(id, job)
            }
            Err(error) => answer::error(&error),
        }
    }

    /// Continues a job with the reply to what it needed: `{"ok": value}`, or
    /// `{"error": {code, message, number}}`. `elapsed` is the time since the job was started, in
    /// milliseconds of a monotonic clock.
    pub fn resume(&self, id: u32, reply: &str, elapsed: f64) -> Answer {
        let running = self.running.borrow_mut().remove(id);
        match running {
            Some(Running { job, awaited }) => {
                // A float-to-integer cast saturates.
                job.reply(read(&awaited, reply), Millis(elapsed as u64));
                self.step(id, job)
            }
            None => answer::error(&Error::internal(format!("no job {id} waits for a reply"))),
        }
    }

    /// Drops a job that waits for a reply.
    pub fn cancel(&self, id: u32) -> Answer {
        self.running.borrow_mut().remove(id);
        answer::ok(&())
    }

    fn step(&self, id: u32, mut job: Job) -> Answer {
        let need = match job.step() {
            Standing::Needs(need) => need,
            Standing::Ended(Ok(result)) => return answer::ok(&result.to_json()),
            Standing::Ended(Err(JobError::Core(error))) => return answer::error(&error),
            Standing::Ended(Err(JobError::Driver(error))) => return answer::thrown(error.number),
        };
        let (method, params, awaited) = request(need);
        self.running
            .borrow_mut()
            .insert(id, Running { job, awaited });
        answer::need(id, method, &params)
    }
}

/// The request to the host for what a job needs, and the kind of its reply.
fn request(need: Need) -> (&'static str, Json, Awaited) {
    #[derive(Serialize)]
    struct Open {
        store: Side,
    }
    #[derive(Serialize)]
    struct Run {
        store: Side,
        operation: &'static str,
        params: Json,
        #[serde(rename = "withinMs", skip_serializing_if = "Option::is_none")]
        within: Option<Millis>,
    }
    #[derive(Serialize)]
    struct Path {
        path: Text,
    }
    #[derive(Serialize)]
    struct Sleep {
        ms: Millis,
    }
    match need {
        Need::Open(store) => ("open", Json::of(&Open { store }), Awaited::Opened),
        Need::Run(step) => {
            let run = Run {
                store: step.store(),
                operation: step.operation().name(),
                params: step.params_json(),
                within: step.within(),
            };
            ("run", Json::of(&run), Awaited::Ran(step))
        }
        Need::Export(part) => ("export", Json::of(&part), Awaited::Done),
        #[cfg(feature = "apps")]
        Need::Verify => ("verify", Json::default(), Awaited::Verified),
        #[cfg(feature = "telemetry")]
        Need::Thin(ms) => ("thin", Json::of(&Sleep { ms }), Awaited::Thinned),
        Need::ReadFile(path) => ("readFile", Json::of(&Path { path }), Awaited::File),
        Need::ReadFolder(path) => ("readFolder", Json::of(&Path { path }), Awaited::Folder),
        Need::Sleep(ms) => ("sleep", Json::of(&Sleep { ms }), Awaited::Done),
        Need::Attempt => ("attempt", Json::default(), Awaited::Attempted),
        Need::Progress(progress) => ("progress", progress.to_json(), Awaited::Done),
        #[cfg(feature = "apps")]
        Need::Post(posting) => ("post", Json::of(&posting), Awaited::Posted),
    }
}

/// Reads a reply of the host.
fn read(awaited: &Awaited, reply: &str) -> JobResult<JobReply> {
    let invalid = |error| Error::internal(format!("the reply to a job is invalid: {error}"));
    let mut reply = Properties::read("reply", reply).map_err(invalid)?;
    if let Some(error) = reply.text("error") {
        let Thrown(error) = Property::read("error", error)?;
        return Err(JobError::Driver(error));
    }
    let value = reply.text("ok").unwrap_or("null");
    Ok(read_value(awaited, value)?)
}

fn read_value(awaited: &Awaited, value: &str) -> Result<JobReply> {
    Ok(match awaited {
        Awaited::Opened => JobReply::Opened(Property::read("identity", value)?),
        Awaited::Ran(step) => JobReply::Ran(step.read_reply(value)?),
        Awaited::Done => JobReply::Done,
        #[cfg(feature = "telemetry")]
        Awaited::Thinned => JobReply::Thinned(Property::read("thinned", value)?),
        // A function that archives has kept a session when it returns.
        #[cfg(feature = "apps")]
        Awaited::Verified => {
            let failed: Option<Vec<Failed>> = Property::read("verified", value)?;
            let failed = failed.unwrap_or_default().into_iter();
            JobReply::Verified(Verified {
                bytes: 0,
                failed: failed.map(|Failed(failed)| failed).collect(),
                unavailable: None,
            })
        }
        Awaited::File => {
            let File(file) = Property::read("file", value)?;
            JobReply::File(file)
        }
        Awaited::Folder => {
            let entries: Vec<Entry> = Property::read("folder", value)?;
            JobReply::Folder(entries.into_iter().map(|Entry(entry)| entry).collect())
        }
        Awaited::Attempted => JobReply::Attempted(Property::read("attempt", value)?),
        #[cfg(feature = "apps")]
        Awaited::Posted => {
            let Posts(ended) = Property::read("posts", value)?;
            JobReply::Posted(ended)
        }
    })
}

/// An exported session that is not durable.
#[cfg(feature = "apps")]
#[derive(Default)]
struct Failed(NotVerified);

#[cfg(feature = "apps")]
impl Params for Failed {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self(NotVerified {
            id: properties.take("id"),
            code: properties.take("code"),
            message: properties.take("message"),
        })
    }
}

#[derive(Default)]
struct Thrown(DriverError);

impl Params for Thrown {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self(DriverError {
            code: properties.take("code"),
            message: properties.take("message"),
            number: properties.take("number"),
        })
    }
}

#[derive(Default)]
struct File(ReadFile);

impl Params for File {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self(ReadFile {
            text: properties.take("text"),
            modified_at: properties.take("modified_at"),
        })
    }
}

#[derive(Default)]
struct Entry(FolderEntry);

impl Params for Entry {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self(FolderEntry {
            path: properties.take("path"),
            is_folder: properties.take("is_folder"),
        })
    }
}

tenure_core::nested_properties!(Thrown, File, Entry);

#[cfg(feature = "apps")]
#[derive(Default)]
struct Posts(Ended);

#[cfg(feature = "apps")]
impl Params for Posts {
    fn take(properties: &mut Properties<'_>) -> Self {
        let posts: Vec<EndedOne> = properties.take("posts");
        Self(Ended {
            posts: posts.into_iter().map(|EndedOne(post)| post).collect(),
            stops: properties.take_or("stops", false),
        })
    }
}

#[cfg(feature = "apps")]
#[derive(Default)]
struct EndedOne(EndedPost);

#[cfg(feature = "apps")]
impl Params for EndedOne {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self(EndedPost {
            number: properties.take("number"),
            status: properties.take("status"),
            retry_after: properties.take("retry_after"),
            answer: properties.take("answer"),
            problem: properties.take("problem"),
        })
    }
}

#[cfg(feature = "apps")]
tenure_core::nested_properties!(Posts, EndedOne, Failed);

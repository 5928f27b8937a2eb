//! The common interface of stores that run a whole operation inside one transaction. A synchronous
//! caller waits for the lock. An awaited operation runs on the calling thread if it does not have
//! to wait, and otherwise in a queue on a thread of the store.
//!
//! [`TransactionStore`] is the trait that such a store implements, and can be a trait object.
//! [`TransactionStoreExt`] adds methods for jobs that return values.

use std::any::Any;

use tenure_core::store::{Changes, Commit};
use tenure_core::{Error, Event, Head, Result, SessionId, SyncStore};

/// An operation for a store's queue. Its result is a text that only its caller reads.
pub type Job = Box<dyn FnOnce(&dyn SyncStore) -> String + Send>;

/// The completion of a [`Job`]. It receives the result of the job when its writes are stored, or
/// the error. It runs on the store's thread and must be quick.
pub type Done = Box<dyn FnOnce(Result<String>) + Send>;

/// Values of a session to write in place of those that are stored, all or none: the same session in another form, such as
/// encrypted with another key. It is no change: the version stays, and the feed does not mention it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The session.
    pub id: SessionId,
    /// The version that it has, and keeps. At another version nothing is written.
    pub version: u64,
    /// The head, of this version.
    pub head: Option<Box<Head>>,
    /// Events that the session has. Only their data is written.
    pub events: Vec<Event>,
}

/// The result of an attempt to run a job without waiting.
#[derive(Debug)]
pub enum Attempt<R, J> {
    /// The job ran. This is its result, or the error for which its writes were not stored.
    Answered(Result<R>),
    /// The job would have to wait. It did not run, and is returned.
    Busy(J),
}

/// A store in which a whole operation (load, decide, write) runs while no other process writes.
pub trait TransactionStore: SyncStore {
    /// Runs a job in a transaction. It waits for other writers up to the busy timeout. The job is
    /// called at most once.
    ///
    /// # Errors
    /// Those of the store, which could not start the transaction, so the job was not called, or
    /// could not store the writes. The errors of the job itself are a part of its result.
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()>;

    /// Runs a job as [`run`](Self::run) does, if it does not have to wait: no other process writes,
    /// no job is queued, and no sync to disk is needed. Returns whether it ran.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool>;

    /// Queues a job. Jobs run one after the other in the order of the calls. `done` is always
    /// called: on the store's thread, or on the calling thread if no thread can be started.
    fn enqueue(&self, job: Job, done: Done);

    /// Waits until `done` was called for every job in the queue. Inside a transaction of this
    /// handle, for which the jobs wait, it returns immediately.
    fn drain(&self);

    /// Writes values of a session in another form. By default a store cannot do that with a part of a session, and the
    /// reply is `None`: then [`commit_unseen`](Self::commit_unseen) writes the whole session.
    ///
    /// # Errors
    /// Those of the store.
    fn rewrite(&self, _rewrite: &Rewrite) -> Result<Option<Commit>> {
        Ok(None)
    }

    /// Commits changes that the feed does not mention: sessions and records in another form.
    ///
    /// # Errors
    /// Those of the store.
    fn commit_unseen(&self, _changes: &Changes) -> Result<Commit> {
        Err(Error::internal(
            "this store cannot be written to in another form",
        ))
    }

    /// The store as a value of its own type, for what only some stores can do.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }
}

/// The methods of a [`TransactionStore`] for jobs that return values.
pub trait TransactionStoreExt: TransactionStore {
    /// Runs a job in a transaction. Waits for other writers up to the busy timeout.
    ///
    /// # Errors
    /// Those of [`TransactionStore::run`].
    fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let mut job = Some(job);
        let mut result = None;
        self.run(&mut |store| result = job.take().map(|job| job(store)))?;
        result.ok_or_else(|| Error::internal("a store did not run the job of a transaction"))
    }

    /// Runs a job in a transaction if it does not have to wait.
    fn try_transaction<R, J>(&self, job: J) -> Attempt<R, J>
    where
        J: FnOnce(&dyn SyncStore) -> R,
    {
        let mut job = Some(job);
        let mut result = None;
        let ran = self.try_run(&mut |store| result = job.take().map(|job| job(store)));
        match (ran, result, job) {
            (Err(error), _, _) => Attempt::Answered(Err(error)),
            (Ok(_), Some(result), _) => Attempt::Answered(Ok(result)),
            (Ok(_), None, Some(job)) => Attempt::Busy(job),
            (Ok(_), None, None) => Attempt::Answered(Err(Error::internal(
                "a store did not run the job that it took",
            ))),
        }
    }
}

impl<S: TransactionStore + ?Sized> TransactionStoreExt for S {}

/// The error for a job that panicked.
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it left no message");
    Error::internal(format!("an operation panicked: {message}"))
}

//! What Tenure's stores have in common that run a whole operation inside one transaction: a
//! synchronous caller waits for its turn, an awaited operation runs on the calling thread if nothing
//! has to be waited for, and otherwise in a queue on a thread of the store's own.
//!
//! [`TransactionStore`] is what such a store implements, and can be a trait object.
//! [`TransactionStoreExt`] adds the same for jobs that return values.

use std::any::Any;

use tenure_core::{Error, Result, SyncStore};

/// An operation for a store's queue. It returns a text that only its caller reads.
pub type Job = Box<dyn FnOnce(&dyn SyncStore) -> String + Send>;

/// The completion of a [`Job`]. It receives what the job returned once its writes are stored, or why
/// they are not. It runs on the store's thread and must be quick.
pub type Done = Box<dyn FnOnce(Result<String>) + Send>;

/// The result of an attempt to run a job without waiting.
#[derive(Debug)]
pub enum Attempt<R, J> {
    /// The job ran, and this is what it returned, or why its writes were not stored.
    Answered(Result<R>),
    /// It would have had to wait. Here is the job, which did not run.
    Busy(J),
}

/// A store in which a whole operation (load, decide, write) runs while nobody else writes.
pub trait TransactionStore: SyncStore {
    /// Runs a job in a transaction. It waits for other writers up to the busy timeout. The job is
    /// called once at most.
    ///
    /// # Errors
    /// Those of the store: it could not start the transaction, and the job was not called, or it
    /// could not store what the job wrote. The job's own failures are the job's to return.
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()>;

    /// Runs a job as [`run`](Self::run) does, if nothing has to be waited for: no other writer, no
    /// job in the queue, no disk. Returns whether it did.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    fn try_run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool>;

    /// Puts a job into the store's queue. Jobs run one after the other in the order of the calls.
    /// `done` is always called: on the store's thread, or on this one if no thread can be started.
    fn enqueue(&self, job: Job, done: Done);

    /// Waits until `done` was called for every job in the queue. Inside a transaction of this handle,
    /// for which the jobs wait, it returns at once.
    fn drain(&self);
}

/// The methods of a [`TransactionStore`] for jobs that return values.
pub trait TransactionStoreExt: TransactionStore {
    /// Runs a job in a transaction, waiting for other writers up to the busy timeout.
    ///
    /// # Errors
    /// Those of [`TransactionStore::run`].
    fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let mut job = Some(job);
        let mut result = None;
        self.run(&mut |store| result = job.take().map(|job| job(store)))?;
        result.ok_or_else(|| Error::internal("a store did not run the job of a transaction"))
    }

    /// Runs a job in a transaction if nothing has to be waited for.
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

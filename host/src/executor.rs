//! The executor: an open store, and how operations run over it. There are three kinds of store. An
//! operation over an inline one runs on the calling thread. A transaction store runs an operation that
//! writes inside one of its transactions: on the calling thread, and for an asynchronous caller only if
//! nothing has to be waited for, otherwise on the store's own thread. The operations of an asynchronous
//! store run on the process's runtime thread, many at a time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

use tenure_apps::metrics::own::{Own, PoolUse};
use tenure_bridge::{Answer, answer};
use tenure_core::store::Capabilities;
use tenure_core::work::execution::{Ended, Execution, Invocation, run};
use tenure_core::work::operation::Access;
use tenure_core::{Error, Result, SyncStore};
use tenure_file::FileStore;
use tenure_sealed::{Rotation, rotate};
use tenure_sqlite::SqliteStore;
use tenure_store_transaction::{Attempt, TransactionStore, TransactionStoreExt};

use crate::asynchronous::{AsyncCalls, Completion, Opener};
use crate::metrics::size::StoreSize;
use crate::metrics::{Measure, Meter, Outcome};

/// A store that answers synchronously, and that any thread may call.
pub type InlineStore = Box<dyn SyncStore + Send + Sync>;
/// A transaction store, which one thread at a time may call.
pub type SerialStore = Box<dyn TransactionStore + Send>;

/// Reads the connections of a store; `None` while it is not open.
pub(crate) type PoolReader = Box<dyn Fn() -> Option<PoolUse> + Send + Sync>;

/// Rotates a page of a store, and waits for it.
pub(crate) type Rotator = Box<dyn Fn(Rotation) -> Result<Rotation> + Send + Sync>;

/// An open store, and how operations run over it. Threads may share it.
pub struct Executor {
    kind: Kind,
    meter: Arc<Meter>,
    /// The connections of the store, if it has any.
    pool: Option<PoolReader>,
    size: StoreSize,
    /// Rotates an asynchronous store that is encrypted.
    rotator: Option<Rotator>,
}

enum Kind {
    Inline(InlineStore),
    Transaction(Mutex<SerialStore>),
    Asynchronous(AsyncCalls),
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inline(_) => "inline",
            Kind::Transaction(_) => "transaction",
            Kind::Asynchronous(_) => "asynchronous",
        };
        f.debug_tuple("Executor").field(&kind).finish()
    }
}

/// The result of starting an operation.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and is taken apart at once"
)]
#[derive(Debug)]
pub enum Started<'e> {
    /// The operation has ended.
    Ended(Answer),
    /// The operation would have to wait, and was not started.
    Deferred(Deferred<'e>),
}

/// An operation that has to wait.
#[derive(Debug)]
pub struct Deferred<'e> {
    executor: &'e Executor,
    waiting: Waiting,
    measure: Measure,
}

/// What waits to be run.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and is taken apart at once"
)]
#[derive(Debug)]
enum Waiting {
    Execution(Execution),
    /// For an asynchronous store, whose clock is asked first.
    Invocation(Invocation),
}

impl Executor {
    /// An executor over a store that answers synchronously.
    pub fn inline(store: InlineStore) -> Self {
        Self::of(Kind::Inline(store))
    }

    /// An executor over a transaction store.
    pub fn transaction(store: SerialStore) -> Self {
        Self::of(Kind::Transaction(Mutex::new(store)))
    }

    /// An executor over an asynchronous store with these capabilities. `open` opens it, for the first
    /// operation, and again for the next one if that has failed.
    pub fn asynchronous(capabilities: Capabilities, open: Opener) -> Self {
        Self::of(Kind::Asynchronous(AsyncCalls::new(capabilities, open)))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            meter: Arc::default(),
            pool: None,
            size: StoreSize::Unknown,
            rotator: None,
        }
    }

    /// The same with connections that are read by `pool`.
    pub(crate) fn with_pool(self, pool: PoolReader) -> Self {
        Self {
            pool: Some(pool),
            ..self
        }
    }

    /// The same over a store whose size can be measured.
    pub(crate) fn with_size(self, size: StoreSize) -> Self {
        Self { size, ..self }
    }

    /// The same over a store that is rotated by `rotator`.
    pub(crate) fn with_rotation(self, rotator: Option<Rotator>) -> Self {
        Self { rotator, ..self }
    }

    /// Counts the operations.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What the operations were counted as, and what the process and the store use.
    pub fn own(&self) -> Own {
        let mut own = self.meter.own();
        own.process.pool = self.pool.as_ref().and_then(|read| read());
        own.store_bytes = self.store_bytes();
        own
    }

    /// The size of the store on disk in bytes, as it was measured last; `None` if it is not known. The first reading
    /// of a store of files or in a database may wait for a tenth of a second.
    pub fn store_bytes(&self) -> Option<u64> {
        self.size.read()
    }

    /// Whether the store is asynchronous.
    pub fn is_asynchronous(&self) -> bool {
        matches!(self.kind, Kind::Asynchronous(_))
    }

    /// The capabilities of the store.
    pub fn capabilities(&self) -> Capabilities {
        match &self.kind {
            Kind::Inline(store) => store.capabilities(),
            Kind::Transaction(store) => exclusive(store).capabilities(),
            Kind::Asynchronous(calls) => calls.capabilities(),
        }
    }

    /// Opens an asynchronous store before its first operation, and waits until it is open. The other
    /// stores are open.
    ///
    /// # Errors
    /// Those of opening the store.
    pub fn open_now(&self) -> Result<()> {
        match &self.kind {
            Kind::Asynchronous(calls) => blocking(|done| calls.open(done)),
            Kind::Inline(_) | Kind::Transaction(_) => Ok(()),
        }
    }

    /// Opens an asynchronous store before its first operation, and calls `done` on the runtime thread
    /// when it is open. The other stores are open.
    pub fn open_soon(&self, done: impl FnOnce(Answer) + Send + 'static) {
        let done = |opened| {
            done(match opened {
                Ok(()) => answer::ok(&()),
                Err(error) => answer::error(&error),
            });
        };
        match &self.kind {
            Kind::Asynchronous(calls) => calls.open(Box::new(done)),
            Kind::Inline(_) | Kind::Transaction(_) => done(Ok(())),
        }
    }

    /// Runs an operation to its end. The thread waits for other writers, and for an asynchronous store.
    pub fn run(&self, invocation: Invocation) -> Ended {
        let measure = self.meter.begin(&invocation);
        let ended = self.run_unmeasured(invocation);
        measure.end(&Outcome::of(&ended));
        ended
    }

    fn run_unmeasured(&self, invocation: Invocation) -> Ended {
        let isolated = self.isolates(invocation.access());
        match &self.kind {
            Kind::Inline(store) => run(&**store, &mut invocation.execution(isolated)),
            Kind::Transaction(store) => {
                let mut execution = invocation.execution(isolated);
                let store = exclusive(store);
                match isolated {
                    true => store.transaction(|store| run(store, &mut execution))?,
                    false => run(&**store, &mut execution),
                }
            }
            Kind::Asynchronous(calls) => blocking(|done| calls.start(invocation, done)),
        }
    }

    /// Starts an operation. The thread waits for nothing but reading from a disk.
    pub fn start(&self, invocation: Invocation) -> Started<'_> {
        let measure = self.meter.begin(&invocation);
        let access = invocation.access();
        let isolated = self.isolates(access);
        if let Kind::Asynchronous(_) = &self.kind {
            return Started::Deferred(self.deferred(Waiting::Invocation(invocation), measure));
        }
        let mut execution = invocation.execution(isolated);
        match (&self.kind, access) {
            (Kind::Inline(store), _) => {
                Started::Ended(measured(run(&**store, &mut execution), measure))
            }
            (Kind::Transaction(store), Access::Read) => {
                let ended = run(&**exclusive(store), &mut execution);
                Started::Ended(measured(ended, measure))
            }
            (Kind::Transaction(store), Access::Write) => {
                let store = exclusive(store);
                match store.try_transaction(|store| run(store, &mut execution)) {
                    Attempt::Answered(ended) => Started::Ended(measured(ended.flatten(), measure)),
                    Attempt::Busy(_) => {
                        Started::Deferred(self.deferred(Waiting::Execution(execution), measure))
                    }
                }
            }
            // Such an operation would occupy the thread for a long time.
            (Kind::Transaction(_), Access::WriteMany) | (Kind::Asynchronous(_), _) => {
                Started::Deferred(self.deferred(Waiting::Execution(execution), measure))
            }
        }
    }

    /// Encrypts the next page of values with the first key. The thread waits.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a store that is not encrypted, and those of the store.
    pub fn rotate(&self, rotation: Rotation) -> Result<Rotation> {
        if let Some(rotator) = &self.rotator {
            return rotator(rotation);
        }
        if let Kind::Transaction(store) = &self.kind {
            let store = exclusive(store);
            let store = store.as_any();
            if let Some(store) = store.and_then(|store| store.downcast_ref()) {
                return rotate::<SqliteStore>(store, rotation);
            }
            if let Some(store) = store.and_then(|store| store.downcast_ref()) {
                return rotate::<FileStore>(store, rotation);
            }
        }
        Err(Error::invalid("encryption", "expected a key"))
    }

    /// Closes the store. A transaction store ends its running operations before this returns; over an
    /// asynchronous store they are dropped and end soon, with the error `CLOSED`, or `OUTCOME_UNKNOWN`
    /// if they were writing.
    pub fn close(&self) {
        match &self.kind {
            Kind::Inline(_) => {}
            Kind::Transaction(store) => exclusive(store).drain(),
            Kind::Asynchronous(calls) => calls.close(),
        }
    }

    /// Whether operations of this access run inside a transaction of the store.
    fn isolates(&self, access: Access) -> bool {
        matches!(self.kind, Kind::Transaction(_)) && access != Access::Read
    }

    fn deferred(&self, waiting: Waiting, measure: Measure) -> Deferred<'_> {
        Deferred {
            executor: self,
            waiting,
            measure,
        }
    }
}

impl Deferred<'_> {
    /// Runs the operation on another thread, which calls `done` with its answer. Over a transaction
    /// store, deferred operations run in the order of these calls. `done` must be quick and must not
    /// call the executor; it may run on this thread, if there is no other.
    pub fn run(self, done: impl FnOnce(Answer) + Send + 'static) {
        let Self {
            executor,
            waiting,
            measure,
        } = self;
        let mut execution = match (&executor.kind, waiting) {
            (Kind::Asynchronous(calls), Waiting::Invocation(invocation)) => {
                return calls.start(invocation, Box::new(|ended| done(measured(ended, measure))));
            }
            (_, Waiting::Invocation(invocation)) => invocation.execution(false),
            (_, Waiting::Execution(execution)) => execution,
        };
        match &executor.kind {
            Kind::Transaction(store) => {
                // The operation has ended when its writes are stored.
                let outcome = Arc::new(OnceLock::new());
                let decided = Arc::clone(&outcome);
                exclusive(store).enqueue(
                    Box::new(move |store| {
                        let ended = run(store, &mut execution);
                        // A job is called at most once.
                        let _ = decided.set(Outcome::of(&ended));
                        answer::of(ended)
                    }),
                    Box::new(move |result| match result {
                        Ok(answer) => {
                            measure.end(outcome.get().unwrap_or(&Outcome::default()));
                            done(answer);
                        }
                        Err(error) => {
                            measure.end(&Outcome::failed(&error));
                            done(answer::error(&error));
                        }
                    }),
                );
            }
            // Only the operations of a transaction store are deferred as executions.
            Kind::Inline(store) => done(measured(run(&**store, &mut execution), measure)),
            Kind::Asynchronous(_) => done(answer::error(&Error::internal(
                "an execution over an asynchronous store was deferred",
            ))),
        }
    }
}

/// The answer to an operation that is counted.
fn measured(ended: Ended, measure: Measure) -> Answer {
    measure.end(&Outcome::of(&ended));
    answer::of(ended)
}

/// Waits for the result of a task.
pub(crate) fn blocking<T: Send + 'static>(start: impl FnOnce(Completion<T>)) -> Result<T> {
    let (done, result) = mpsc::channel();
    start(Box::new(move |ended| {
        // The receiver is never dropped before the result is sent.
        let _ = done.send(ended);
    }));
    let ended = result.recv();
    ended.unwrap_or_else(|_| Err(Error::internal("a task has no result")))
}

/// The store, for one thread at a time. Operations that panic are rolled back.
fn exclusive(store: &Mutex<SerialStore>) -> MutexGuard<'_, SerialStore> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

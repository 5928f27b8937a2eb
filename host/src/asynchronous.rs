//! The operations of an asynchronous store. Each is a task on the runtime thread, so that any number of
//! them is in flight while no thread waits.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tenure_core::error::Cause;
use tenure_core::store::{Answer, Begun, Capabilities};
use tenure_core::work::execution::{End, Ended, Execution, Invocation, Timer, run_async};
use tenure_core::work::operation::{Access, Reply};
use tenure_core::work::recalled::run_recalling;
use tenure_core::{Millis, Result, Store};
use tenure_store_transaction::panicked;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::runtime::RuntimeThread;

/// Opens an asynchronous store.
pub type Opener = Box<dyn Fn() -> Opening + Send + Sync>;
/// An asynchronous store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn Store>>> + Send>>;

/// Receives the result of a task. It is called in any case, usually on the runtime thread.
pub(crate) type Completion<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// An asynchronous store with its running tasks.
pub(crate) struct AsyncCalls {
    capabilities: Capabilities,
    source: Arc<Source>,
    running: Mutex<Running>,
}

impl AsyncCalls {
    pub(crate) fn new(capabilities: Capabilities, open: Opener) -> Self {
        let store = OnceCell::new();
        Self {
            capabilities,
            source: Arc::new(Source { open, store }),
            running: Mutex::default(),
        }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Opens the store.
    pub(crate) fn open(&self, done: Completion<()>) {
        let source = Arc::clone(&self.source);
        self.spawn(Promise::new(done), |mut promise| async move {
            let opened = catching(source.store()).await;
            promise.keep(opened.map(|_| ()));
        });
    }

    /// Runs an operation, at the time of the store's clock.
    pub(crate) fn start(&self, invocation: Invocation, done: Completion<End<Box<dyn Reply>>>) {
        let source = Arc::clone(&self.source);
        self.spawn(Promise::new(done), |promise| async move {
            let mut flight = Flight {
                execution: None,
                promise,
            };
            let ended = catching(source.run(invocation, &mut flight.execution)).await;
            flight.promise.keep(ended);
        });
    }

    /// Drops the running tasks, and runs no others.
    pub(crate) fn close(&self) {
        let closed = Running {
            is_closed: true,
            ..Running::default()
        };
        let running = std::mem::replace(&mut *self.running(), closed);
        // The tasks are dropped without the lock, because this may end the runtime thread, which
        // completes tasks.
        drop(running);
    }

    /// Runs a task on the runtime thread.
    fn spawn<T, F>(&self, mut promise: Promise<T>, task: impl FnOnce(Promise<T>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut running = self.running();
        match running.runtime() {
            Ok(runtime) => {
                // Removes tasks that have ended from the set.
                while running.tasks.try_join_next().is_some() {}
                running.tasks.spawn_on(task(promise), &runtime);
            }
            Err(error) => {
                drop(running);
                promise.keep(Err(error));
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // No code panics while the tasks are locked.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store, which is opened once.
struct Source {
    open: Opener,
    store: OnceCell<Arc<dyn Store>>,
}

impl Source {
    async fn store(&self) -> Result<&Arc<dyn Store>> {
        self.store.get_or_try_init(&self.open).await
    }

    /// Runs an operation in this place, with what the store gives it.
    async fn run(&self, invocation: Invocation, place: &mut Option<Execution>) -> Ended {
        let opened = self.store().await?;
        let takes_long = invocation.access() == Access::WriteMany;
        let Begun {
            clock_offset_ms,
            store,
            memory,
        } = opened.begin(takes_long).await?;
        let store = store.as_ref().unwrap_or(opened);
        let execution = place.insert(invocation.later_by(clock_offset_ms).execution(false));
        match memory {
            Some(memory) => run_recalling(&**store, &*memory, &Clock, execution).await,
            None => run_async(&**store, &Clock, execution).await,
        }
    }
}

/// The tasks on the runtime thread.
#[derive(Default)]
struct Running {
    // Dropped in this order: the last user of the runtime waits until its tasks are dropped.
    tasks: JoinSet<()>,
    runtime: Option<Arc<RuntimeThread>>,
    is_closed: bool,
}

impl Running {
    /// The runtime, from the first task on.
    fn runtime(&mut self) -> Result<Handle> {
        if self.is_closed {
            return Err(Cause::Closed.into());
        }
        let runtime = match &self.runtime {
            Some(runtime) => runtime,
            None => self.runtime.insert(RuntimeThread::shared()?),
        };
        Ok(runtime.handle().clone())
    }
}

/// A completion that is called in any case: with an error if the task is dropped.
struct Promise<T> {
    done: Option<Completion<T>>,
    /// Whether the task was dropped while it was writing.
    may_have_written: bool,
}

impl<T> Promise<T> {
    fn new(done: Completion<T>) -> Self {
        Self {
            done: Some(done),
            may_have_written: false,
        }
    }

    fn keep(&mut self, result: Result<T>) {
        if let Some(done) = self.done.take() {
            done(result);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.keep(Err(match self.may_have_written {
            true => Cause::OutcomeUnknown {
                problem: "the handle was closed meanwhile".to_owned(),
            }
            .into(),
            false => Cause::Closed.into(),
        }));
    }
}

/// An operation that runs.
struct Flight {
    /// Set when the store is open.
    execution: Option<Execution>,
    promise: Promise<End<Box<dyn Reply>>>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        let execution = self.execution.as_ref();
        self.promise.may_have_written = execution.is_some_and(Execution::is_committing);
    }
}

/// The runtime's clock.
struct Clock;

impl Timer for Clock {
    fn sleep(&self, time: Millis) -> Answer<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(time.0)).await;
            Ok(())
        })
    }
}

/// The result of a future, or the error for a panic in it.
async fn catching<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut future = pin!(future);
    // After a panic the future is not polled again.
    poll_fn(|context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        catch_unwind(poll).unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
    })
    .await
}

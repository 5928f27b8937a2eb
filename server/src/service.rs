//! What a server serves: the operations of an open store.

use std::fmt;
use std::sync::Arc;

use tenure_bridge::{Answer, Call, answer};
use tenure_core::store::Capabilities;
use tenure_core::value::process::{Liveness, Process};
use tenure_core::work::execution::Invocation;
use tenure_core::{Error, Host, Limits, Models, Result};
use tenure_host::{Executor, HOST, Started};

/// A call of an operation by a client.
#[derive(Debug, Clone)]
pub struct ClientCall {
    /// The name of the operation.
    pub operation: &'static str,
    /// Its parameters, as JSON text.
    pub params: String,
    /// The client's answers about models, as JSON text.
    pub answers: Option<String>,
}

/// Receives the answer of a call.
pub type Done = Box<dyn FnOnce(Answer) + Send>;

/// The operations of an open store.
pub trait Service: Send + Sync {
    /// The capabilities of the store.
    fn capabilities(&self) -> Capabilities;

    /// Starts an operation, and has `done` called with its answer, on any thread. It is called on a thread
    /// that may wait for a disk.
    fn start(&self, call: ClientCall, done: Done);
}

/// The clock and the random bits of calls, for tests: milliseconds since 1970, and 32 hexadecimal digits.
pub type Environment = Box<dyn Fn() -> (f64, String) + Send + Sync>;

/// The operations of a native store.
pub struct ExecutorService {
    executor: Arc<Executor>,
    limits: Arc<Limits>,
    environment: Option<Environment>,
}

impl fmt::Debug for ExecutorService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorService")
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

impl ExecutorService {
    /// The operations of an executor, with the limits of its store. Where a function of the store's opener
    /// knows the available models, each is available: a client brings its own.
    pub fn new(executor: Arc<Executor>, limits: &Limits) -> Self {
        let models = match &limits.models {
            Models::Asked(_) => Models::Unknown,
            models => models.clone(),
        };
        let limits = Arc::new(Limits {
            models,
            ..limits.clone()
        });
        Self {
            executor,
            limits,
            environment: None,
        }
    }

    /// The same with another clock and other random bits.
    #[must_use]
    pub fn in_environment(self, environment: Environment) -> Self {
        Self {
            environment: Some(environment),
            ..self
        }
    }

    fn invocation(&self, call: &ClientCall) -> Result<Invocation> {
        let (now, given) = match &self.environment {
            Some(environment) => {
                let (now, entropy) = environment();
                (now, Some(entropy))
            }
            None => (tenure_host::now().as_millis() as f64, None),
        };
        let call = Call {
            name: call.operation,
            params: &call.params,
            now,
            entropy: tenure_bridge::entropy(now, given.as_deref(), getrandom::fill)?,
            host: Arc::new(RemoteHost),
            answers: call.answers.as_deref(),
        };
        call.invocation(Arc::clone(&self.limits))
    }
}

impl Service for ExecutorService {
    fn capabilities(&self) -> Capabilities {
        self.executor.capabilities()
    }

    fn start(&self, call: ClientCall, done: Done) {
        match self
            .invocation(&call)
            .map(|invocation| self.executor.start(invocation))
        {
            Ok(Started::Ended(answer)) => done(answer),
            Ok(Started::Deferred(deferred)) => deferred.run(done),
            Err(error) => done(answer::error(&error)),
        }
    }
}

/// The host of a client's call. The client is a process that this machine does not know. Which of the
/// processes of this machine are alive is known.
#[derive(Debug)]
struct RemoteHost;

impl Host for RemoteHost {
    fn process(&self) -> Option<&Process> {
        None
    }

    fn liveness(&self, process: &Process) -> Liveness {
        HOST.liveness(process)
    }
}

/// The error for an operation without an answer.
pub(crate) fn no_answer() -> Answer {
    answer::error(&Error::internal("an operation has no answer"))
}

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
    /// The position of the call in a distributed trace, as its header.
    pub trace: Option<String>,
}

impl ClientCall {
    /// The call as a bridge makes it now. Its process is none that this machine knows.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub fn to_call(&self) -> Result<Call<'_>> {
        self.call_at(tenure_host::now().as_millis() as f64, None)
    }

    fn call_at(&self, now: f64, entropy: Option<&str>) -> Result<Call<'_>> {
        Ok(Call {
            name: self.operation,
            params: &self.params,
            now,
            entropy: tenure_bridge::entropy(now, entropy, getrandom::fill)?,
            host: Arc::new(RemoteHost),
            answers: self.answers.as_deref(),
            trace: self.trace.as_deref(),
        })
    }
}

/// The limits of clients' calls, of those of a store. Where a function of the store's opener knows the available
/// models, each is available: a client brings its own.
pub fn client_limits(limits: &Limits) -> Arc<Limits> {
    let models = match &limits.models {
        Models::Asked(_) => Models::Unknown,
        models => models.clone(),
    };
    Arc::new(Limits {
        models,
        ..limits.clone()
    })
}

/// Receives the answer of a call.
pub type Done = Box<dyn FnOnce(Answer) + Send>;

/// The operations of an open store.
pub trait Service: Send + Sync {
    /// The capabilities of the store.
    fn capabilities(&self) -> Capabilities;

    /// The available models, if they are known by their names. A client may bring its own.
    fn models(&self) -> Option<&[String]> {
        None
    }

    /// The executor that runs the operations, if there is one; it counts them. A store in JavaScript has none.
    fn executor(&self) -> Option<&Executor> {
        None
    }

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
    /// The operations of an executor, with the limits of its store.
    pub fn new(executor: Arc<Executor>, limits: &Limits) -> Self {
        Self {
            executor,
            limits: client_limits(limits),
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
        let call = match &self.environment {
            Some(environment) => {
                let (now, entropy) = environment();
                call.call_at(now, Some(&entropy))
            }
            None => call.to_call(),
        };
        call?.invocation(Arc::clone(&self.limits))
    }
}

impl Service for ExecutorService {
    fn capabilities(&self) -> Capabilities {
        self.executor.capabilities()
    }

    fn executor(&self) -> Option<&Executor> {
        Some(&self.executor)
    }

    fn models(&self) -> Option<&[String]> {
        match &self.limits.models {
            Models::Names(names) => Some(names),
            Models::Unknown | Models::Asked(_) => None,
        }
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

//! A host's call of an operation: a name and JSON text.

use std::sync::Arc;

use tenure_core::store::SyncStore;
use tenure_core::value::entropy::Entropy;
use tenure_core::value::traceparent::TraceParent;
use tenure_core::work::call;
use tenure_core::work::execution::{self, Invocation};
use tenure_core::{Host, Limits, Result};

use crate::answer::{self, Answer};
use crate::entropy::timestamp;
use crate::fingerprint;
use crate::limits::with_answers;
use crate::table::TABLE;

/// One call of an operation.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The operation's name.
    pub name: &'a str,
    /// Its parameters, as JSON text.
    pub params: &'a str,
    /// The current time, in milliseconds since 1970.
    pub now: f64,
    /// Random bits, used once.
    pub entropy: Entropy,
    /// The calling process, and the liveness of others.
    pub host: Arc<dyn Host>,
    /// The answers about models for which the operation has asked, as JSON text; `None` at first.
    pub answers: Option<&'a str>,
    /// The position of the call in a distributed trace, as the header `traceparent`. An invalid one is ignored.
    pub trace: Option<&'a str>,
}

impl Call<'_> {
    /// The invocation of the operation, with its parameters read.
    ///
    /// # Errors
    /// `UNKNOWN_OPERATION`, `UNSUPPORTED_OPERATION`, and `INVALID_ARGUMENT` for the parameters and the
    /// answers.
    pub fn invocation(&self, limits: Arc<Limits>) -> Result<Invocation> {
        let now = timestamp(self.now)?;
        let operation = TABLE.find(self.name)?;
        let params = operation.read(self.params)?;
        let limits = match self.answers {
            Some(answers) => with_answers(&limits, answers)?,
            None => limits,
        };
        let trace = self.trace.filter(|_| cfg!(feature = "telemetry"));
        let call = call::Call {
            now,
            entropy: self.entropy,
            fingerprint: fingerprint::of(self.name, self.params),
            host: Arc::clone(&self.host),
            limits,
            trace: trace.and_then(TraceParent::parse),
            isolated: false,
        };
        Ok(Invocation::new(operation, params, call))
    }
}

/// Performs an operation over a synchronous store, outside of a transaction.
pub fn perform(store: &dyn SyncStore, limits: Arc<Limits>, call: &Call<'_>) -> Answer {
    match call.invocation(limits) {
        Ok(invocation) => answer::of(execution::run(store, &mut invocation.execution(false))),
        Err(error) => answer::error(&error),
    }
}

//! A host's call of an operation: a name and JSON text.

use std::sync::Arc;

use tenure_core::store::SyncStore;
use tenure_core::work::call;
use tenure_core::work::execution::{self, Invocation};
use tenure_core::{Error, Host, Limits, Result, Timestamp};

use crate::answer::{self, Answer};
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
    pub entropy: [u8; 16],
    /// The calling process, and the liveness of others.
    pub host: Arc<dyn Host>,
    /// The answers about models for which the operation has asked, as JSON text; `None` at first.
    pub answers: Option<&'a str>,
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
        let call = call::Call {
            now,
            entropy: self.entropy,
            fingerprint: fingerprint::of(self.name, self.params),
            host: Arc::clone(&self.host),
            limits,
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

/// The present time. JavaScript's clock shows a whole number of milliseconds, but a faked one may show
/// anything.
fn timestamp(millis: f64) -> Result<Timestamp> {
    if millis.is_nan() {
        return Err(Error::invalid("now", "the clock shows no time"));
    }
    // A float-to-integer cast saturates, and the ends are outside of the calendar.
    Timestamp::from_millis(millis as i64)
}

//! What a call of an operation brings along from outside the core.

use std::sync::Arc;

use crate::value::entropy::Entropy;
use crate::value::fingerprint::Fingerprint;
use crate::value::limits::Limits;
use crate::value::process::Host;
use crate::value::time::Timestamp;
use crate::value::traceparent::TraceParent;

/// What one call brings along: the core reads no clock, no random source and no process table, so
/// all of these come in with it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The present time.
    pub now: Timestamp,
    /// Random bits, used once.
    pub entropy: Entropy,
    /// Identifies the call's parameters. Only calls with an idempotency key are compared by it.
    pub fingerprint: Fingerprint,
    /// The process that calls, and what is known of others.
    pub host: Arc<dyn Host>,
    /// The largest inputs that are accepted.
    pub limits: Arc<Limits>,
    /// The position of the call in a distributed trace, which is stored with the events that it appends.
    pub trace: Option<TraceParent>,
    /// Whether nobody else writes to the store while the operation runs, since all of it runs inside
    /// one transaction of the store: then nothing has to be read twice.
    pub isolated: bool,
}

//! The kinds of records that there are, in one list, for what has to find them all. A feature that
//! keeps records names their kind here. The guards of slots are not among them: a store counts who
//! came into its slots, and another store's count says nothing. The endpoints of webhooks and what is queued for
//! them are not either: both stores would deliver it. Nor are jobs with what they could not process: the other store has jobs of its own.

use tenure_core::session::{idempotency, tool_calls};
use tenure_core::{audit, lease};

use tenure_core::work::trace;

use crate::hooks::index;

/// Every kind of record, in the order in which they are copied.
pub const RECORD_KINDS: &[&str] = &[
    idempotency::STORE_SCOPE,
    idempotency::SESSION_SCOPE,
    tool_calls::KIND,
    trace::KIND,
    index::RUNNING,
    index::NAME,
    lease::KIND,
    audit::entry::KIND,
];

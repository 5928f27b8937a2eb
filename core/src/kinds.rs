//! The kinds of records that there are, in one list, for what has to find them all. A feature that
//! keeps records names their kind here.

use crate::{audit, idempotency, lease};

/// Every kind of record, in the order in which they are copied.
pub const RECORD_KINDS: &[&str] = &[
    idempotency::STORE_SCOPE,
    idempotency::SESSION_SCOPE,
    lease::KIND,
    audit::KIND,
];

//! Calls of operations by their names, with parameters and replies as JSON.

use std::sync::Arc;

use tenure_core::table::{ADMINISTRATION, OPERATIONS, Table};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::call::Call;
use tenure_core::work::execution::{Execution, done, run};
use tenure_core::{Limits, NoHost, Result, SyncStore};

use super::time;

const TABLE: Table = Table {
    operations: &[OPERATIONS, ADMINISTRATION],
    jobs: &[],
    instead: |_| None,
};

/// Calls an operation at a time in milliseconds, by no process. `entropy` differs between calls.
///
/// # Errors
/// Those of the operation.
pub(crate) fn operate(
    store: &dyn SyncStore,
    now: i64,
    entropy: u128,
    name: &str,
    params: &str,
) -> Result<String> {
    let operation = TABLE.find(name)?;
    let call = Call {
        now: time(now),
        entropy: entropy.to_le_bytes().into(),
        fingerprint: Fingerprint::of(name, params),
        host: Arc::new(NoHost),
        limits: Arc::new(Limits::default()),
        trace: None,
        isolated: false,
    };
    let mut execution = Execution::new(operation, operation.read(params)?, call);
    let done = done(run(store, &mut execution))?;
    Ok(done.value.to_json().as_str().to_owned())
}

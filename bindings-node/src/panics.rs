//! Keeps panics from Node. A panic is a defect in Tenure: it becomes an answer with the code
//! `INTERNAL` and does not end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tenure_bridge::{Answer, answer};
use tenure_core::Error;

/// Performs an operation; the answer carries a panic as an error.
pub(crate) fn guarded(act: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|said| (*said).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        answer::error(&Error::internal(said))
    })
}

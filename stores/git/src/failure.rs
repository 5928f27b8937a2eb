//! The errors of the store.

use std::io::ErrorKind;
use std::path::Path;

use tenure_core::Error;
use tenure_core::error::Cause;

/// The store cannot be reached.
pub(crate) fn unavailable(problem: String) -> Error {
    Cause::StoreUnavailable { problem }.into()
}

/// The error for a folder of the store's own.
pub(crate) fn scratch_failed(path: &Path, error: &std::io::Error) -> Error {
    let problem = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Cause::StorageFull { problem }.into(),
        _ => unavailable(problem),
    }
}

//! The errors of the git store.

use std::io::ErrorKind;
use std::path::Path;

use tenure_core::Error;
use tenure_core::error::Cause;

/// The error for a repository that cannot be reached.
pub(crate) fn unavailable(problem: String) -> Error {
    Cause::StoreUnavailable { problem }.into()
}

/// The error for a temporary folder.
pub(crate) fn scratch_failed(path: &Path, error: &std::io::Error) -> Error {
    let problem = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Cause::StorageFull { problem }.into(),
        _ => unavailable(problem),
    }
}

//! The errors of the store that correspond to errors of SQLite.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};
use tenure_core::Error;
use tenure_core::error::Cause;

/// The error of the store for an error of SQLite during `method`. Every message names the file.
pub(crate) fn describe(path: &Path, method: &str, error: &rusqlite::Error) -> Error {
    let path = path.display();
    let unavailable = |problem: &str| {
        Cause::StoreUnavailable {
            problem: format!("{path}: {problem}"),
        }
        .into()
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => full(&path.to_string()),
        // Extending the shared-memory file of the write-ahead log fails on a full disk.
        Some(ErrorCode::SystemIoFailure) if extended(error) == ffi::SQLITE_IOERR_SHMSIZE => {
            full(&path.to_string())
        }
        // The core handles versions and retries, so a lock that stays busy is reported as an
        // unavailable store.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable("another writer held its lock for longer than the busy timeout")
        }
        Some(ErrorCode::NotADatabase) => unavailable(
            "this file is not a SQLite database, or its header is damaged; name another file, or restore it from a copy",
        ),
        Some(ErrorCode::DatabaseCorrupt) => unavailable(
            "the database is damaged; restore it from a copy, or see what `tenure check` finds",
        ),
        Some(ErrorCode::CannotOpen) => {
            unavailable("the file cannot be opened; check the folder and its permissions")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            unavailable("the file or its folder cannot be written to; check their permissions")
        }
        Some(ErrorCode::SystemIoFailure) if extended(error) == ffi::SQLITE_IOERR_SHORT_READ => {
            unavailable(
                "the end of the file or of its log is missing; open the store again, or restore it from a copy",
            )
        }
        Some(ErrorCode::SystemIoFailure) => {
            unavailable(&format!("reading or writing failed ({error})"))
        }
        Some(
            ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
        ) => unavailable(&error.to_string()),
        _ => Cause::StoreFailed {
            method: method.to_owned(),
            problem: format!("{path}: {}", said(error)),
        }
        .into(),
    }
}

/// What SQLite says, without the statement, which may be the whole schema.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        error => error.to_string(),
    }
}

/// Whether another connection holds a lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether the database, or an index in it, is damaged. A table of an index that cannot be opened is an
/// unknown error of SQLite.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
    )
}

fn full(path: &str) -> Error {
    Cause::StorageFull {
        problem: format!("{path}: the disk or the database is full"),
    }
    .into()
}

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

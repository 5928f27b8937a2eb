//! The errors of the store that correspond to errors of the file system.

use std::io::{self, ErrorKind};

use tenure_core::Error;
use tenure_core::error::Cause;

use crate::disk::Disk;

/// The error of the store for an error of the disk at `path` during `method`.
pub(crate) fn describe(disk: &impl Disk, method: &str, path: &str, error: &io::Error) -> Error {
    let place = disk.place(path);
    let problem = match error.kind() {
        ErrorKind::NotADirectory => format!("{place}: a part of the path is no directory"),
        _ => format!("{place}: {error}"),
    };
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Cause::StorageFull { problem }.into()
        }
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::NotFound
        | ErrorKind::InvalidInput => Cause::StoreUnavailable { problem }.into(),
        _ => Cause::StoreFailed {
            method: method.to_owned(),
            problem,
        }
        .into(),
    }
}

/// Whether the error means that the file does not exist.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        // A path below a file does not exist either.
        ErrorKind::NotFound | ErrorKind::NotADirectory
    )
}

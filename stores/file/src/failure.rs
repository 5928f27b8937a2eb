//! The errors of the store that correspond to errors of the file system.

use std::io::{self, ErrorKind};

use tenure_core::Error;
use tenure_core::error::Cause;

use crate::disk::Disk;

/// The failure of a file write.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was changed.
    Before(String, io::Error),
    /// The file was written, and may not survive the loss of power.
    Unsure(String, io::Error),
}

impl Failed {
    /// The failure to change or read the file at `path`.
    pub(crate) fn at(path: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Before(path.to_owned(), error)
    }

    /// The same failure of a write that is not a part of the commit, so that nothing was changed.
    pub(crate) fn before(self) -> Self {
        let (Self::Before(path, error) | Self::Unsure(path, error)) = self;
        Self::Before(path, error)
    }

    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        let (Self::Before(_, error) | Self::Unsure(_, error)) = self;
        matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        )
    }

    /// The error of the store during `method`.
    pub(crate) fn explain(self, disk: &impl Disk, method: &str) -> Error {
        match self {
            Self::Before(path, error) => describe(disk, method, &path, &error),
            Self::Unsure(path, error) => Cause::OutcomeUnknown {
                problem: format!("{}: {error}", disk.place(&path)),
            }
            .into(),
        }
    }
}

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

/// Whether a file could not be read because of a temporary lack of resources: memory or file
/// descriptors.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let too_many_open = cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE));
    too_many_open
        || matches!(
            error.kind(),
            ErrorKind::OutOfMemory | ErrorKind::Interrupted
        )
}

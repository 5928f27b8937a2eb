//! The identity of a file, whatever its path.

use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

use tenure_core::Result;
use tenure_core::error::Cause;

/// The identity of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(unix)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// The identity of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(not(unix))]
pub(crate) struct Identity {
    path: PathBuf,
}

impl Identity {
    /// The identity of the file at a path.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if there is no file.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Self::read(path).map_err(|error| {
            Cause::StoreUnavailable {
                problem: format!("{}: {error}", path.display()),
            }
            .into()
        })
    }

    /// The identity of the file of a descriptor of this process.
    #[cfg(unix)]
    pub(crate) fn of_descriptor(descriptor: std::os::fd::RawFd) -> Option<Self> {
        Self::read(Path::new(&format!("/dev/fd/{descriptor}"))).ok()
    }

    // The file must not be opened: closing it would release POSIX locks on it.

    /// The identity of the file with this status.
    #[cfg(unix)]
    pub(crate) fn of_status(status: &impl std::os::unix::fs::MetadataExt) -> Self {
        Self::of_numbers(status.dev(), status.ino())
    }

    /// The identity of the file with these numbers.
    #[cfg(unix)]
    pub(crate) fn of_numbers(device: u64, inode: u64) -> Self {
        Self { device, inode }
    }

    #[cfg(unix)]
    fn read(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|status| Self::of_status(&status))
    }

    #[cfg(not(unix))]
    fn read(path: &Path) -> std::io::Result<Self> {
        let path = std::fs::canonicalize(path)?;
        Ok(Self { path })
    }
}

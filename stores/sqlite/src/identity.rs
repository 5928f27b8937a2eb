//! What tells two files apart, whatever the paths by which they are opened.

use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

use tenure_core::Result;
use tenure_core::error::Cause;

/// What tells a file apart from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(unix)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// What tells a file apart from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg(not(unix))]
pub(crate) struct Identity {
    path: PathBuf,
}

impl Identity {
    /// The identity of the file that is at a path now.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when there is none.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Self::read(path).map_err(|error| {
            Cause::StoreUnavailable {
                problem: format!("{}: {error}", path.display()),
            }
            .into()
        })
    }

    // Neither opens the file: closing it would drop the locks that SQLite has on it.

    #[cfg(unix)]
    fn read(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(path)?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }

    #[cfg(not(unix))]
    fn read(path: &Path) -> std::io::Result<Self> {
        let path = std::fs::canonicalize(path)?;
        Ok(Self { path })
    }
}

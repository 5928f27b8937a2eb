//! Whether the files of a store are still at their paths. A removed or replaced file stays open, and
//! SQLite would go on writing into it: the database, its write-ahead log, or the log's index. So
//! every commit checks them, and is refused otherwise.
//!
//! Usually one system call suffices: the folder changes when a name in it does. Its time of
//! modification tells that, except for changes that follow each other within its resolution.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tenure_core::Result;
use tenure_core::error::Cause;

use crate::identity::Identity;

/// Longer than the resolution of the time of modification on any system.
const RESOLUTION: Duration = Duration::from_millis(100);

/// The files of a store, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct Presence {
    database: Arc<Path>,
    files: Vec<(PathBuf, Identity)>,
    /// The folder of the files; `None` if the path of the database is a link into another one.
    folder: Option<PathBuf>,
    /// The folder when the files were checked last, if later changes show in it.
    unchanged: Mutex<Option<Folder>>,
}

/// The state of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    identity: Identity,
    modified: SystemTime,
}

impl Presence {
    /// The files of the open database at a path.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if one of them does not exist.
    pub(crate) fn of(database: &Arc<Path>) -> Result<Self> {
        let is_link = database.is_symlink();
        // SQLite creates the other files beside the file to which a link leads.
        let beside = is_link
            .then(|| database.canonicalize().ok())
            .flatten()
            .unwrap_or_else(|| database.to_path_buf());
        let paths = [
            database.to_path_buf(),
            with_suffix(&beside, "-wal"),
            with_suffix(&beside, "-shm"),
        ];
        let files = paths.into_iter().map(|path| {
            let identity = Identity::of(&path)?;
            Ok((path, identity))
        });
        Ok(Self {
            files: files.collect::<Result<_>>()?,
            folder: database
                .parent()
                .filter(|_| !is_link)
                .map(Path::to_path_buf),
            database: database.clone(),
            unchanged: Mutex::new(None),
        })
    }

    /// Checks that all files are at their paths.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if one was removed, moved or replaced.
    pub(crate) fn check(&self) -> Result<()> {
        if !cfg!(unix) {
            // An open file cannot be removed or replaced.
            return Ok(());
        }
        let folder = self.folder.as_deref().and_then(Folder::read);
        let mut unchanged = self
            .unchanged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if folder.is_some() && *unchanged == folder {
            return Ok(());
        }
        for (path, identity) in &self.files {
            if Identity::of(path).ok().as_ref() != Some(identity) {
                *unchanged = None;
                return Err(Cause::StoreUnavailable {
                    problem: format!(
                        "{}: nothing is written any more, because {} was removed, moved or \
                         replaced while the store was open; open the store again",
                        self.database.display(),
                        path.file_name().unwrap_or(path.as_os_str()).display(),
                    ),
                }
                .into());
            }
        }
        *unchanged = folder.filter(Folder::shows_later_changes);
        Ok(())
    }
}

impl Folder {
    fn read(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: found.modified().ok()?,
            identity: identity(&found)?,
        })
    }

    /// Whether a change from now on changes the time of modification.
    fn shows_later_changes(&self) -> bool {
        // A time in the future is that of another clock.
        self.modified
            .elapsed()
            .is_ok_and(|elapsed| elapsed > RESOLUTION)
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> Option<Identity> {
    Some(Identity::of_status(found))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// The path of the file beside a database with this suffix.
pub(crate) fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

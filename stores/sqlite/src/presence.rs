//! Whether the files of a store are still at their paths. A removed or replaced file stays open, and
//! SQLite would go on writing into it: the database, its write-ahead log, or the log's index. So
//! every commit checks them, and is refused otherwise.
//!
//! Usually one system call suffices: the folder changes when a name in it does. Its time of
//! modification tells that, except for changes that follow each other within its resolution.
//!
//! A log that was cut stays at its path. SQLite would go on writing after a hole, and copy the hole into
//! the database. So the length of the log is checked before each transaction.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tenure_core::error::Cause;
use tenure_core::{Error, Result};

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
    log: PathBuf,
    /// The length that the log has at least, as far as this process knows.
    log_length: AtomicU64,
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
        let log = with_suffix(&beside, "-wal");
        let paths = [
            database.to_path_buf(),
            log.clone(),
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
            log,
            log_length: AtomicU64::new(0),
        })
    }

    /// Remembers that the log has at least this length.
    pub(crate) fn note_log(&self, length: u64) {
        self.log_length.store(length, Ordering::Relaxed);
    }

    /// Whether the log is as long as it is known to be. A shorter one was cut, or another process has
    /// emptied it after it was copied.
    pub(crate) fn has_known_log(&self) -> bool {
        self.has_log_of(self.log_length.load(Ordering::Relaxed))
    }

    /// Whether the log has at least this length.
    pub(crate) fn has_log_of(&self, length: u64) -> bool {
        // The file must not be opened: closing it would release POSIX locks on it.
        length == 0 || std::fs::metadata(&self.log).is_ok_and(|log| log.len() >= length)
    }

    /// The error for a log that was cut.
    pub(crate) fn log_is_cut(&self) -> Error {
        self.refusal(&self.log, "cut")
    }

    fn refusal(&self, path: &Path, what: &str) -> Error {
        Cause::StoreUnavailable {
            problem: format!(
                "{}: nothing is written any more, because {} was {what} while the store was open; \
                 open the store again",
                self.database.display(),
                path.file_name().unwrap_or(path.as_os_str()).display(),
            ),
        }
        .into()
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
                return Err(self.refusal(path, "removed, moved or replaced"));
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

//! The size of a store on disk. Where that takes as long as the store is large, it is measured elsewhere, and a reader
//! has what was measured last.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::pace::Pace;

/// How long a reader waits when nothing was measured yet.
const FIRST: Duration = Duration::from_millis(100);

/// Takes a size that was measured; `None` if it could not be.
pub(crate) type Measured = Box<dyn FnOnce(Option<u64>) + Send>;

/// Starts to measure, and calls what it is given when it has. It must not wait. Returns whether it has started.
pub(crate) type Start = Box<dyn Fn(Measured) -> bool + Send + Sync>;

/// The size of a store on disk.
pub(crate) enum StoreSize {
    /// The store is not on a disk that is known.
    Unknown,
    /// A database of SQLite.
    Database(PathBuf),
    /// A store that is measured in the background.
    Measured {
        start: Start,
        last: Arc<(Mutex<Last>, Condvar)>,
    },
}

/// What was measured last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    bytes: Option<u64>,
    pace: Pace,
    is_measuring: bool,
}

impl fmt::Debug for StoreSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSize").finish_non_exhaustive()
    }
}

impl StoreSize {
    /// The size of a folder.
    pub(crate) fn of_folder(folder: PathBuf) -> Self {
        let folder = Arc::new(folder);
        Self::measured(Box::new(move |measured| {
            let folder = Arc::clone(&folder);
            let thread = thread::Builder::new().name("tenure-size".to_owned());
            let started = thread.spawn(move || measured(folder_size(&folder).ok()));
            started.is_ok()
        }))
    }

    /// The size that a function measures.
    pub(crate) fn measured(start: Start) -> Self {
        Self::Measured {
            start,
            last: Arc::default(),
        }
    }

    /// The size in bytes, as it was measured last; `None` if it is not known.
    pub(crate) fn read(&self) -> Option<u64> {
        let (start, shared) = match self {
            Self::Unknown => return None,
            Self::Database(path) => return database_size(path),
            Self::Measured { start, last } => (start, last),
        };
        let (last, ended) = &**shared;
        let mut found = locked(last);
        if !found.is_measuring && found.pace.is_due() {
            found.is_measuring = true;
            drop(found);
            let (began, shared) = (Instant::now(), Arc::clone(shared));
            let has_started = start(Box::new(move |bytes| {
                let (last, ended) = &*shared;
                let mut last = locked(last);
                last.bytes = bytes;
                last.is_measuring = false;
                last.pace.ended(began);
                ended.notify_all();
            }));
            found = locked(last);
            if !has_started {
                found.is_measuring = false;
                return found.bytes;
            }
        }
        let is_first = |last: &mut Last| last.pace.is_first();
        let waited = ended.wait_timeout_while(found, FIRST, is_first);
        waited.unwrap_or_else(PoisonError::into_inner).0.bytes
    }
}

fn locked(last: &Mutex<Last>) -> MutexGuard<'_, Last> {
    // Nothing panics while it is locked.
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The size of a database of SQLite with its log; `None` if there is none.
pub(crate) fn database_size(path: &Path) -> Option<u64> {
    let sizes = ["", "-wal", "-shm"].map(|end| {
        let mut path = path.to_path_buf().into_os_string();
        path.push(end);
        fs::metadata(path).map_or(0, |found| found.len())
    });
    Some(sizes.iter().sum()).filter(|size| *size > 0)
}

/// The size of all files of a file store.
///
/// # Errors
/// Those of the system.
pub(crate) fn folder_size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().ends_with(".tenure/reserve") {
            // Room that is kept free is no content.
            continue;
        }
        let kind = entry.file_type()?;
        bytes += match kind.is_dir() {
            true => folder_size(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_is_being_measured_is_not_measured_again() {
        let started: Arc<Mutex<Vec<Measured>>> = Arc::default();
        let begun = Arc::clone(&started);
        let size = StoreSize::measured(Box::new(move |measured| {
            begun.lock().unwrap().push(measured);
            true
        }));
        assert_eq!((size.read(), size.read()), (None, None));
        let measured: Vec<Measured> = std::mem::take(&mut *started.lock().unwrap());
        assert_eq!(measured.len(), 1);
        measured.into_iter().for_each(|measured| measured(Some(7)));
        assert_eq!((size.read(), size.read()), (Some(7), Some(7)));
        assert!(started.lock().unwrap().is_empty());
    }

    #[test]
    fn a_size_that_could_not_be_measured_is_tried_again() {
        let tries = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&tries);
        let size = StoreSize::measured(Box::new(move |measured| {
            *counted.lock().unwrap() += 1;
            drop(measured);
            false
        }));
        assert_eq!((size.read(), size.read()), (None, None));
        assert_eq!(*tries.lock().unwrap(), 2);
    }
}

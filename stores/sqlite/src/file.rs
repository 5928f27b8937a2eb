//! The open files of this process. All handles on a file share one [`Writer`], by whatever path
//! they opened it. The last handle to close ends the writer's thread.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tenure_core::Result;
use tenure_core::error::Cause;
use tenure_reserve::Reserve;

use crate::file_locks::{self, Owner};
use crate::identity::Identity;
use crate::presence::Presence;
use crate::writer::Writer;

/// The open files of this process.
static FILES: Mutex<Option<HashMap<Identity, Weak<File>>>> = Mutex::new(None);

/// The pause between two looks at the descriptors of the process.
const PAUSE: Duration = Duration::from_millis(5);

/// An open file, which its handles share.
pub(crate) struct File {
    pub(crate) writer: Arc<Writer>,
}

impl File {
    /// Waits until this copy of SQLite is the only one in the process that has the file at a path open,
    /// where the system cannot lock it between copies.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if another one has it open at `deadline`.
    pub(crate) fn expect_sole_user(path: &Path, deadline: Instant) -> Result<()> {
        if file_locks::owner() == Owner::Description {
            return Ok(());
        }
        // A file that does not exist is not open.
        let Ok(identity) = Identity::of(path) else {
            return Ok(());
        };
        while !is_known(&identity) && file_locks::is_open(&identity) {
            // Another thread may be opening or closing the file.
            if Instant::now() >= deadline {
                return Err(Cause::StoreUnavailable {
                    problem: format!(
                        "{}: another part of this process has the file open, such as a second copy \
                         of Tenure or another SQLite library, and this system cannot lock it between \
                         them; use one copy, or close the file there first",
                        path.display()
                    ),
                }
                .into());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// The file of the open database at a path.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if a file of the store is not at its path.
    pub(crate) fn of(path: &Arc<Path>, reserve: Reserve) -> Result<Arc<Self>> {
        let identity = Identity::of(path)?;
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.get_or_insert_default();
        if let Some(file) = files.get(&identity).and_then(Weak::upgrade) {
            // The handles share the index of the log, so they must have the same log.
            file.writer.presence.check()?;
            return Ok(file);
        }
        files.retain(|_, file| file.strong_count() > 0);
        let writer = Writer::new(path.clone(), Presence::of(path)?, reserve);
        let file = Arc::new(Self {
            writer: Arc::new(writer),
        });
        files.insert(identity, Arc::downgrade(&file));
        Ok(file)
    }
}

/// Whether a handle of this copy of SQLite is on the file.
fn is_known(identity: &Identity) -> bool {
    let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files
        .as_ref()
        .and_then(|files| files.get(identity))
        .is_some_and(|file| file.strong_count() > 0)
}

impl Drop for File {
    fn drop(&mut self) {
        self.writer.queue.end();
    }
}

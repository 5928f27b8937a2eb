//! What the handles of a process on one file share: the lock among them, the writer thread, and the
//! watch over the write-ahead log. The last handle to go takes the thread with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tenure_core::{Error, Result};

use crate::database::{Database, Log};
use crate::lock::WriteLock;
use crate::options::SqliteOptions;
use crate::schema;
use crate::writer::Writer;

/// Pages in the write-ahead log that are worth a checkpoint: 4 MiB.
const CHECKPOINT_PAGES: u32 = 1000;
/// Pages in the write-ahead log at which writers are made to wait for one: 64 MiB.
const TOO_MANY_PAGES: u32 = 16_384;
/// How long they wait at most for readers that still need the log.
const READERS_WAIT: Duration = Duration::from_millis(100);

/// The files that are open in this process.
static FILES: Mutex<Option<HashMap<Identity, Weak<File>>>> = Mutex::new(None);

/// What tells two files apart, whatever their paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    #[cfg_attr(unix, allow(dead_code))]
    Path(PathBuf),
}

/// A handle's share in its file.
pub(crate) struct File {
    pub(crate) shared: Arc<Shared>,
}

/// What handles and the writer thread have in common.
pub(crate) struct Shared {
    path: Arc<Path>,
    identity: Identity,
    pub(crate) lock: WriteLock,
    pub(crate) writer: Writer,
    /// The size of the write-ahead log, in pages, at which the next checkpoint is due.
    checkpoint_at: AtomicU32,
    /// Someone has written who must not be made to wait for the disk.
    hurried: AtomicBool,
}

impl File {
    /// The share in a file that exists.
    pub(crate) fn of(path: &Arc<Path>) -> Result<Arc<Self>> {
        let identity = identify(path)?;
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.get_or_insert_default();
        if let Some(file) = files.get(&identity).and_then(Weak::upgrade) {
            return Ok(file);
        }
        files.retain(|_, file| file.strong_count() > 0);
        let file = Arc::new(Self {
            shared: Arc::new(Shared {
                path: path.clone(),
                identity: identity.clone(),
                lock: WriteLock::default(),
                writer: Writer::default(),
                checkpoint_at: AtomicU32::new(CHECKPOINT_PAGES),
                hurried: AtomicBool::new(false),
            }),
        });
        files.insert(identity, Arc::downgrade(&file));
        Ok(file)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.shared.end_thread();
    }
}

impl Shared {
    /// Notes that a write is made that must not wait for the disk.
    pub(crate) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    /// A connection to the file, whose schema is known to be right, that watches the log.
    pub(crate) fn connect(self: &Arc<Self>, options: &SqliteOptions) -> Result<Database> {
        if identify(&self.path).ok().as_ref() != Some(&self.identity) {
            return Err(Error::StoreUnavailable {
                problem: format!("{}: the file was moved or replaced", self.path.display()),
            });
        }
        let mut database = Database::connect(&self.path, options)?;
        database.set_up(options)?;
        self.watch(&mut database, options)?;
        Ok(database)
    }

    /// Has a checkpoint made when a commit on this connection leaves the log too long.
    pub(crate) fn watch(
        self: &Arc<Self>,
        database: &mut Database,
        options: &SqliteOptions,
    ) -> Result<()> {
        let shared = Arc::clone(self);
        let options = options.clone();
        database.on_commit(move |pages| {
            if pages < CHECKPOINT_PAGES {
                // The log begins anew.
                shared.due_after(0);
            } else if pages >= shared.checkpoint_at.load(Ordering::Relaxed) {
                // One request for now; the checkpoint says when the next is due, unless it fails.
                shared.due_after(pages);
                shared.request_checkpoint(&options);
            }
        })
    }

    /// Copies the log into the database, for the writer thread.
    pub(crate) fn checkpoint(&self, database: &Database) {
        match self.copy_log(database) {
            Ok(log) if log.is_copied() => self.due_after(0),
            // Readers or writers have held it up.
            Ok(log) => self.due_after(log.pages),
            // It is tried again when it is due again.
            Err(_) => {}
        }
    }

    fn due_after(&self, pages: u32) {
        self.checkpoint_at
            .store(pages.saturating_add(CHECKPOINT_PAGES), Ordering::Relaxed);
    }

    fn copy_log(&self, database: &Database) -> Result<Log> {
        let log = database.checkpoint("PASSIVE", Duration::ZERO)?;
        let hurried = self.hurried.swap(false, Ordering::Relaxed);
        if !hurried && log.pages < TOO_MANY_PAGES {
            return Ok(log);
        }
        // The next commit will begin the log anew, and waits for the disk as it does. That must
        // not be one that cannot wait; so it is one of this thread. Nor must steady writers keep
        // the log from ever being begun anew.
        let _held = self.lock.for_writer();
        let log = if log.pages < TOO_MANY_PAGES {
            database.checkpoint("PASSIVE", Duration::ZERO)?
        } else {
            database.checkpoint("TRUNCATE", READERS_WAIT)?
        };
        if log.is_copied() {
            schema::touch(database)?;
        }
        Ok(log)
    }
}

#[cfg(unix)]
fn identify(path: &Path) -> Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    // To look, never to open: closing a file drops the locks that SQLite has on it.
    std::fs::metadata(path)
        .map(|found| Identity::Inode(found.dev(), found.ino()))
        .map_err(|error| gone(path, &error))
}

#[cfg(not(unix))]
fn identify(path: &Path) -> Result<Identity> {
    std::fs::canonicalize(path)
        .map(Identity::Path)
        .map_err(|error| gone(path, &error))
}

fn gone(path: &Path, error: &std::io::Error) -> Error {
    Error::StoreUnavailable {
        problem: format!("{}: {error}", path.display()),
    }
}

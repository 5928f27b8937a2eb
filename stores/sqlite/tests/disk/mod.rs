//! The disk below a folder. The system calls of this program that write files, sync them and remove
//! their names pass through `calls`. For the files of a watched folder they are recorded, so that a test can
//! cut the power after any of them, or they fail as on a full disk.

mod calls;
mod power;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use power::Outage;

/// What a system call has changed.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// Bytes of a file.
    Write {
        file: File,
        at: usize,
        bytes: Vec<u8>,
    },
    /// The length of a file.
    Truncate { file: File, length: usize },
    /// What was written to a file is on the disk.
    Sync(File),
    /// The names in the folder.
    Names(BTreeMap<String, File>),
    /// The names in the folder are on the disk.
    SyncNames,
    /// Nothing: the program has acknowledged a commit with this number.
    Acknowledge(u64),
}

/// A file, whatever its names are. A file that is created later has another number.
pub(crate) type File = u64;

/// The folders that are watched.
static WATCHED: Mutex<Vec<Arc<Folder>>> = Mutex::new(Vec::new());
/// Their number, which each system call reads.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A folder whose files are watched until this is dropped.
pub(crate) struct Disk(Arc<Folder>);

struct Folder {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recorded: Vec<Recorded>,
    names: BTreeMap<String, File>,
    /// The files with names, by the number that the file system may give to another file later.
    files: HashMap<u64, File>,
    next: File,
    writes: u64,
    /// The number of the write from which on the disk is full.
    full_at: Option<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Watches the files of a folder. Those that it has are on the disk.
    pub(crate) fn watch(folder: &Path) -> Self {
        let path = folder.canonicalize().unwrap();
        let mut state = State::default();
        state.look(&path);
        for (name, &file) in &state.names {
            let bytes = fs::read(path.join(name)).unwrap();
            let write = Recorded::Write { file, at: 0, bytes };
            state.recorded.extend([write, Recorded::Sync(file)]);
        }
        state.recorded.push(Recorded::SyncNames);
        let state = Mutex::new(state);
        let watched = Arc::new(Folder { path, state });
        lock(&WATCHED).push(Arc::clone(&watched));
        COUNT.fetch_add(1, Ordering::SeqCst);
        Self(watched)
    }

    /// Records that a commit with this number is acknowledged.
    pub(crate) fn acknowledge(&self, number: u64) {
        let recorded = Recorded::Acknowledge(number);
        lock(&self.0.state).recorded.push(recorded);
    }

    /// The number of recorded calls.
    pub(crate) fn calls(&self) -> usize {
        lock(&self.0.state).recorded.len()
    }

    /// What was recorded so far.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut lock(&self.0.state).recorded)
    }

    /// Makes the disk full at the write with this number from now on, the first is 1.
    pub(crate) fn fill_at(&self, number: u64) {
        let mut state = lock(&self.0.state);
        state.writes = 0;
        state.full_at = Some(number);
    }

    /// Ends that the disk is full. Returns whether it was full.
    pub(crate) fn make_room(&self) -> bool {
        let mut state = lock(&self.0.state);
        let full_at = state.full_at.take();
        full_at.is_some_and(|number| state.writes >= number)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::SeqCst);
        lock(&WATCHED).retain(|folder| !Arc::ptr_eq(folder, &self.0));
    }
}

/// The watched folder that a test selects.
fn watched(is: impl Fn(&Path) -> bool) -> Option<Arc<Folder>> {
    let watched = lock(&WATCHED);
    watched.iter().find(|folder| is(&folder.path)).cloned()
}

/// How much of a write fits on the disk.
enum Room {
    All,
    Bytes(usize),
    None,
}

impl State {
    /// Counts a write of so many bytes. The last one before the disk is full may fit in part.
    fn room(&mut self, bytes: usize) -> Room {
        self.writes += 1;
        match self.full_at {
            Some(number) if self.writes >= number => Room::None,
            Some(number) if self.writes + 1 == number && number % 2 == 0 && bytes > 1 => {
                Room::Bytes(bytes / 2)
            }
            _ => Room::All,
        }
    }

    /// Records the names in the folder if they have changed.
    fn look(&mut self, folder: &Path) {
        let found: BTreeMap<String, u64> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, entry.ino())
            })
            .collect();
        self.files
            .retain(|inode, _| found.values().any(|found| found == inode));
        let names: BTreeMap<String, File> = found
            .into_iter()
            .map(|(name, inode)| {
                let file = *self.files.entry(inode).or_insert_with(|| {
                    self.next += 1;
                    self.next
                });
                (name, file)
            })
            .collect();
        if names != self.names {
            self.recorded.push(Recorded::Names(names.clone()));
            self.names = names;
        }
    }

    /// The file with this number on the file system. It has none here if it has no name any more.
    fn file(&self, inode: u64) -> File {
        self.files.get(&inode).copied().unwrap_or_default()
    }
}

//! What the store asks of a file system, and the real one. Paths are relative to the store's folder,
//! with `/` between their parts; the folder itself is the empty path. Nothing here knows what a
//! session is, so that a test can put a disk of its own in place that fails or loses power at any
//! step.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A folder on a file system.
pub trait Disk {
    /// Holds a lock until it is dropped.
    type Held;

    /// Where a path is, for people.
    fn place(&self, path: &str) -> String;

    /// Makes the store's folder, and those it is in, unless they are there. What was made survives
    /// the loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    fn make_base(&self) -> io::Result<()>;

    /// Makes a folder unless it is there.
    ///
    /// # Errors
    /// Those of the file system.
    fn make_folder(&self, path: &str) -> io::Result<()>;

    /// The content of a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// What is in a folder, in any order.
    ///
    /// # Errors
    /// Those of the file system.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// Writes a new file, in place of one of that name, whose other names still lead to the old
    /// content. The new content survives the loss of power; the name need not.
    ///
    /// # Errors
    /// Those of the file system; there is no file then, or one that is of no use.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file or folder another name, at once, in place of a file of that name.
    ///
    /// # Errors
    /// Those of the file system; nothing was changed then.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Removes a folder with all that is in it, or a file or a link. A link is not followed.
    ///
    /// # Errors
    /// Those of the file system; some of it may be gone then.
    fn remove_tree(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder survive the loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Acquires the lock of the file that is at a path now, which is made if there is none. `None` when
    /// another process or handle has it. The lock ends with its holder's process at the latest.
    ///
    /// # Errors
    /// Those of the file system.
    fn try_lock(&self, path: &str) -> io::Result<Option<Self::Held>>;
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; parts of it that are no text are replaced.
    pub name: String,
    /// Whether it is a folder, or a link, which may lead to one.
    pub is_folder: bool,
}

/// A folder on the file system of the operating system.
#[derive(Debug, Clone)]
pub struct Os {
    base: PathBuf,
}

impl Os {
    /// The folder at `base`. A path that is not absolute is taken from the working directory as it
    /// is now.
    ///
    /// # Errors
    /// When there is no working directory, or the path is empty.
    pub fn new(base: &Path) -> io::Result<Self> {
        Ok(Self {
            base: std::path::absolute(base)?,
        })
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.base.clone()
        } else {
            self.base.join(path)
        }
    }
}

impl Disk for Os {
    type Held = File;

    fn place(&self, path: &str) -> String {
        self.at(path).display().to_string()
    }

    fn make_base(&self) -> io::Result<()> {
        // A base that is a link to a folder is as good as the folder.
        if self.base.is_dir() {
            return Ok(());
        }
        let missing: Vec<&Path> = self
            .base
            .ancestors()
            .take_while(|folder| !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            unless_there(fs::create_dir(folder))?;
            if let Some(parent) = folder.parent() {
                sync(parent)?;
            }
        }
        Ok(())
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.at(folder))? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                // It has gone since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_folder: kind.is_dir() || kind.is_symlink(),
            });
        }
        Ok(entries)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.at(path);
        let create = || OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = match create() {
            // Left by a writer that died. It may have another name by now, so it is not written to.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                create()?
            }
            created => created?,
        };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            // It takes room that others may need; that it could not be written is what counts.
            let _ = fs::remove_file(&path);
        }
        written
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        if fs::symlink_metadata(&path)?.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        sync(&self.at(path))
    }

    fn try_lock(&self, path: &str) -> io::Result<Option<File>> {
        let path = self.at(path);
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(is_at(&file, &path)?.then_some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn unless_there(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Folders can be opened and synced on Unix; elsewhere their names are as safe as the file system
/// makes them.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Whether the file is still the one at the path: a folder may have been removed and made again
/// between opening and locking.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let mine = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((mine.dev(), mine.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a file that is open cannot be removed, it is the one at the path.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

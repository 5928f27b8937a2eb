//! The file system operations that the store needs, and their implementation by the operating
//! system. Paths are relative to the store's folder and use `/`; the empty path is the folder
//! itself. This module does not know sessions, so tests can replace the disk by one that fails or
//! loses power at any step.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tenure_permissions::{FileMode, sync_names};
use tenure_reserve::Reserve;

use crate::layout::RESERVE;
use tenure_regular::MAX_FILE_BYTES;

/// A folder on a file system.
pub trait Disk {
    /// Holds a lock until it is dropped.
    type Held;

    /// The absolute path, for error messages.
    fn place(&self, path: &str) -> String;

    /// Creates the store's folder and its parents if they do not exist. Created folders survive the
    /// loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    fn make_base(&self) -> io::Result<()>;

    /// Creates a folder if it does not exist.
    ///
    /// # Errors
    /// Those of the file system.
    fn make_folder(&self, path: &str) -> io::Result<()>;

    /// The content of a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The beginning of a file, up to `most` bytes, and the size of the file.
    ///
    /// # Errors
    /// Those of the file system.
    fn peek(&self, path: &str, most: usize) -> io::Result<(Vec<u8>, u64)>;

    /// The entries of a folder, in any order.
    ///
    /// # Errors
    /// Those of the file system.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// Writes a new file. It replaces a file with this path without changing the content that hard
    /// links of the old file show. The content survives the loss of power, but its name may not.
    ///
    /// # Errors
    /// Those of the file system. After an error the file does not exist, or its content is invalid.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Writes to the end of an existing file. What is after the first `size` bytes is replaced. If
    /// `sync`, the complete content of the file survives the loss of power.
    ///
    /// # Errors
    /// Those of the file system. After an error a part of the bytes may be at the end.
    fn append(&self, path: &str, size: u64, bytes: &[u8], sync: bool) -> io::Result<()>;

    /// Replaces one byte of an existing file, which needs no space. If `sync`, the complete content of
    /// the file survives the loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    fn overwrite(&self, path: &str, at: u64, byte: u8, sync: bool) -> io::Result<()>;

    /// Renames a file or folder atomically, and replaces a file at the new path.
    ///
    /// # Errors
    /// Those of the file system. After an error nothing has changed.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Removes a file, a link, or a folder with its contents. Links are not followed.
    ///
    /// # Errors
    /// Those of the file system. After an error some of the contents may be removed.
    fn remove_tree(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder survive the loss of power.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Keeps room for removals, if none is kept yet. The store's own folder exists.
    fn keep_room(&self) {}

    /// Runs a removal with the room that is kept for it.
    fn with_room<T>(&self, removal: impl FnOnce() -> T) -> T {
        removal()
    }

    /// Acquires the lock on the file at a path, which is created if it does not exist. Returns
    /// `None` if another process or handle holds the lock. The lock ends with the process of its
    /// holder at the latest.
    ///
    /// # Errors
    /// Those of the file system.
    fn try_lock(&self, path: &str) -> io::Result<Option<Self::Held>>;
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name. Invalid UTF-8 in it is replaced.
    pub name: String,
    /// Whether the entry is a folder, or a link, which may point to a folder.
    pub is_folder: bool,
}

/// A folder on the file system of the operating system.
#[derive(Debug, Clone)]
pub struct Os {
    base: PathBuf,
    /// The permissions of new files and folders.
    mode: FileMode,
}

impl Os {
    /// The folder at `base`, in which new files and folders have these permissions. A relative path is
    /// resolved against the current working directory.
    ///
    /// # Errors
    /// If there is no working directory, or the path is empty.
    pub fn new(base: &Path, mode: FileMode) -> io::Result<Self> {
        let base = std::path::absolute(base)?;
        Ok(Self { base, mode })
    }

    /// The path of the folder.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    fn reserve(&self) -> Reserve {
        Reserve::at(self.at(RESERVE), self.mode)
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.base.clone()
        } else {
            self.base.join(path)
        }
    }
}

/// A locked file. The lock is released explicitly: a child process that is being started has a copy
/// of the open file for a moment, and a file that is only closed stays locked by that copy.
#[derive(Debug)]
pub struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // If it fails, closing the file releases the lock.
        let _ = self.0.unlock();
    }
}

impl Disk for Os {
    type Held = Held;

    fn place(&self, path: &str) -> String {
        self.at(path).display().to_string()
    }

    fn make_base(&self) -> io::Result<()> {
        self.mode.create_lasting_folders(&self.base)
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.mode.create_folder(&self.at(path)).map(drop)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        tenure_regular::read(&self.at(path), MAX_FILE_BYTES)
    }

    fn peek(&self, path: &str, most: usize) -> io::Result<(Vec<u8>, u64)> {
        let file = tenure_regular::open(&self.at(path))?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(most);
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok((bytes, size))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.at(folder))? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                // The entry was removed after it was listed.
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
        // It could not be read again.
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let problem = format!("it would be larger than {MAX_FILE_BYTES} bytes");
            return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
        }
        let path = self.at(path);
        let mut file = match self.mode.create_new(&path) {
            // The file was left by a killed writer. It may have a second name by now, so its
            // content must not change.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                self.mode.create_new(&path)?
            }
            created => created?,
        };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            // Frees the space of the incomplete file. The error of the write is returned, whether
            // or not this succeeds.
            let _ = fs::remove_file(&path);
        }
        written
    }

    fn append(&self, path: &str, size: u64, bytes: &[u8], sync: bool) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.at(path))?;
        let found = file.metadata()?.len();
        if found < size {
            return Err(io::Error::new(ErrorKind::InvalidData, "it was cut"));
        }
        if found > size {
            file.set_len(size)?;
        }
        file.seek(SeekFrom::Start(size))?;
        let written = file.write_all(bytes).and_then(|()| match sync {
            true => file.sync_data(),
            false => Ok(()),
        });
        if written.is_err() {
            // Frees the space of the incomplete text. The error of the write is returned, whether or
            // not this succeeds.
            let _ = file.set_len(size);
        }
        written
    }

    fn overwrite(&self, path: &str, at: u64, byte: u8, sync: bool) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.at(path))?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&[byte])?;
        match sync {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.at(from), self.at(to));
        self.mode.keep(&from, &to)?;
        fs::rename(from, to)
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
        sync_names(&self.at(path))
    }

    fn keep_room(&self) {
        self.reserve().keep();
    }

    fn with_room<T>(&self, removal: impl FnOnce() -> T) -> T {
        let reserve = self.reserve();
        let released = reserve.release();
        let removed = removal();
        reserve.restore(released);
        removed
    }

    fn try_lock(&self, path: &str) -> io::Result<Option<Held>> {
        let path = self.at(path);
        let file = self.mode.open_or_create(&path)?;
        match file.try_lock() {
            Ok(()) => {
                let held = Held(file);
                Ok(is_at(&held.0, &path)?.then_some(held))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whether a file is still the one at a path. The folder may have been removed and created again
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

/// On these systems an open file cannot be removed, so it is the one at the path.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_lock_is_free_while_another_process_has_a_copy_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Os::new(folder.path(), FileMode::default()).unwrap();
        let held = disk.try_lock("lock").unwrap().unwrap();
        let copy = held.0.try_clone().unwrap();
        assert!(disk.try_lock("lock").unwrap().is_none());
        drop(held);
        assert!(disk.try_lock("lock").unwrap().is_some());
        drop(copy);
    }
}

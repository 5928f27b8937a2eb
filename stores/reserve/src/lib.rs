//! Room on the disk that is kept for removals. A store writes the changes of a removal before anything
//! is free, so nothing could be removed on a full disk. A file of the store occupies that room. It is
//! emptied for the commit of a removal, and filled again.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tenure_permissions::FileMode;

/// The size of the file, where there is plenty of room: 4 MiB for the log that a store may not
/// have copied yet, and the rest for the changes of a removal.
const BYTES: u64 = 8 << 20;
/// The part of the free room that the file may occupy at first.
const PART: u64 = 2;
/// The unit in which room is occupied.
const BLOCK: u64 = 4096;

/// The room that a store keeps.
#[derive(Debug, Clone)]
pub struct Reserve {
    folder: PathBuf,
    path: PathBuf,
    mode: FileMode,
}

/// Room that was released, to be kept again.
#[derive(Debug)]
#[must_use]
pub struct Released {
    length: u64,
}

impl Reserve {
    /// The room that the file at a path occupies. A new file has these permissions.
    pub fn at(path: PathBuf, mode: FileMode) -> Self {
        Self {
            folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
            path,
            mode,
        }
    }

    /// The free room on the disk in bytes, if it is known.
    #[cfg(unix)]
    pub fn free(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(&self.folder).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// The free room on the disk in bytes, if it is known.
    #[cfg(not(unix))]
    pub fn free(&self) -> Option<u64> {
        None
    }

    /// Whether less is free than this room adds.
    pub fn is_needed(&self) -> bool {
        self.free().is_some_and(|free| free < BYTES)
    }

    /// Keeps room, if none is kept yet: a part of what is free, up to the size of the file.
    pub fn keep(&self) {
        let length = self.length();
        if length == BYTES {
            return;
        }
        if let Some(free) = self.free() {
            self.fill(length, ((free + length) / PART).min(BYTES));
        }
    }

    /// Releases the room.
    pub fn release(&self) -> Released {
        let length = self.length();
        // Without the file there is no room to release.
        if let Ok(file) = OpenOptions::new().write(true).open(&self.path) {
            let _ = file.set_len(0);
        }
        Released { length }
    }

    /// Keeps the room again that was released, as far as it is free.
    pub fn restore(&self, Released { length }: Released) {
        let free = self.free().unwrap_or(0);
        let kept = self.length();
        self.fill(kept, (kept + free).min(length));
    }

    fn length(&self) -> u64 {
        self.path.metadata().map_or(0, |found| found.len())
    }

    /// Grows the file from one length to another, in blocks.
    fn fill(&self, from: u64, to: u64) {
        let to = to - to % BLOCK;
        if to > from {
            // Without the file everything works until the disk is full.
            let _ = self.grow(from, to);
        }
    }

    fn grow(&self, from: u64, to: u64) -> io::Result<()> {
        let file = self.mode.open_or_create(&self.path)?;
        let mut more = to - from;
        while more >= BLOCK {
            match allocate(&file, from, from + more) {
                Ok(()) => return Ok(()),
                // Frees what was allocated of it. Others may have used the room.
                Err(_) => file.set_len(from)?,
            }
            more /= 2;
        }
        Ok(())
    }
}

/// Occupies the room between two lengths of a file.
#[cfg(unix)]
fn allocate(file: &File, from: u64, to: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    match fallocate(file, FallocateFlags::empty(), from, to - from) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, from, to),
        allocated => Ok(allocated?),
    }
}

#[cfg(not(unix))]
fn allocate(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;

    let zeros = [0; BLOCK as usize];
    let mut at = from;
    while at < to {
        let block = (to - at).min(BLOCK);
        file.write_all_at(zeros.get(..block as usize).unwrap_or(&zeros), at)?;
        at += block;
    }
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_released_and_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let reserve = Reserve::at(path.clone(), FileMode::PRIVATE);
        let length = || path.metadata().unwrap().len();
        reserve.keep();
        let kept = length();
        assert!(kept > 0 && kept <= BYTES);
        for _ in 0..2 {
            let released = reserve.release();
            assert_eq!(length(), 0);
            reserve.restore(released);
            assert_eq!(length(), kept);
        }
    }

    #[test]
    fn zeros_occupy_room_where_none_can_be_allocated() {
        let file = tempfile::tempfile().unwrap();
        write_zeros(&file, 0, 100).unwrap();
        write_zeros(&file, 100, 3 * BLOCK + 1).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 * BLOCK + 1);
    }
}

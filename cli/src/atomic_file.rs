//! Atomic writes of files: a file is written under a temporary name, synced and renamed. A path that is
//! no regular file, such as `/dev/stdout`, is written to directly.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process;

use tenure_permissions::{FileMode, sync_name};

/// A file that replaces the one at its path when it is committed. Dropping it uncommitted leaves nothing.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    path: PathBuf,
    file: File,
    /// The temporary file; `None` where the path is written to directly.
    temporary: Option<PathBuf>,
}

impl AtomicFile {
    /// Creates the temporary file. A path that cannot be written fails here, before anything is done. A
    /// new file has these permissions, one that is replaced keeps its own.
    pub(crate) fn create(path: &Path, mode: FileMode) -> io::Result<Self> {
        let path = target_of(path)?;
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Ok(Self {
                file: open_special(&path)?,
                path,
                temporary: None,
            });
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let name = format!(".{}.{}", name.to_string_lossy(), process::id());
        let temporary = path.with_file_name(name);
        // A crashed process with the same PID may have left one.
        let _ = fs::remove_file(&temporary);
        let created = Self {
            file: mode.create_new(&temporary)?,
            path,
            temporary: Some(temporary.clone()),
        };
        mode.keep(&temporary, &created.path)?;
        Ok(created)
    }

    /// Writes a part of the text.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())
    }

    /// Replaces the file by what was written. The new file survives power loss once this returns.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        let Some(temporary) = &self.temporary else {
            return Ok(());
        };
        self.file.sync_all()?;
        fs::rename(temporary, &self.path)?;
        self.temporary = None;
        sync_name(&self.path)
    }

    /// Gives the file the first of these names in its folder that is free, and replaces nothing. If one of them is a file with the
    /// same content, that one stays alone. It survives power loss once this returns.
    pub(crate) fn commit_beside(mut self, names: impl Iterator<Item = String>) -> io::Result<()> {
        let Some(temporary) = self.temporary.take() else {
            return Ok(());
        };
        self.file.sync_all()?;
        let named = link_new(&temporary, names);
        // It has another name by now, or is of no use.
        let removed = fs::remove_file(&temporary);
        let path = named?;
        removed?;
        sync_name(&path)
    }
}

/// Links a file under the first of these names in its folder that is free, or finds the same content there. Returns the path.
fn link_new(temporary: &Path, names: impl Iterator<Item = String>) -> io::Result<PathBuf> {
    for name in names {
        let path = temporary.with_file_name(name);
        let linked = match fs::hard_link(temporary, &path) {
            // A file system without links.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                copy_new(temporary, &path)
            }
            linked => linked,
        };
        match linked {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_same(temporary, &path)? {
                    File::open(&path)?.sync_all()?;
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Copies a file to a new one. An incomplete copy is removed.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = File::create_new(to)?;
    let copied = fs::metadata(from)
        .and_then(|found| copy.set_permissions(found.permissions()))
        .and_then(|()| io::copy(&mut File::open(from)?, &mut copy))
        .and_then(|_| copy.sync_all());
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

/// Whether two files have the same content.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let other = tenure_regular::open(other)?;
    if other.metadata()?.len() != fs::metadata(one)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(File::open(one)?), BufReader::new(other));
    loop {
        let (part, same) = (one.fill_buf()?, other.fill_buf()?);
        let count = part.len().min(same.len());
        if count == 0 {
            return Ok(part.len() == same.len());
        }
        if part.get(..count) != same.get(..count) {
            return Ok(false);
        }
        one.consume(count);
        other.consume(count);
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // A temporary file that stays does not block later writes.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// The file that a path means. A symbolic link stays, and its target is replaced, or created.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    while let Ok(target) = fs::read_link(&path) {
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path = path.parent().unwrap_or(Path::new("")).join(target);
            }
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    Ok(fs::canonicalize(&path).unwrap_or(path))
}

/// Writes a file atomically.
pub(crate) fn write(path: &Path, mode: FileMode, text: &str) -> io::Result<()> {
    let mut file = AtomicFile::create(path, mode)?;
    file.write(text)?;
    file.commit()
}

/// Opens a device or a FIFO for writing. A FIFO that no process reads is refused: opening it would wait.
#[cfg(unix)]
fn open_special(path: &Path) -> io::Result<File> {
    use rustix::fs::{OFlags, fcntl_setfl};
    use std::os::unix::fs::OpenOptionsExt;

    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options().write(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
            io::Error::new(error.kind(), "no process reads it")
        }
        _ => error,
    })?;
    // Its reader may be slower than we are.
    fcntl_setfl(&file, OFlags::empty())?;
    Ok(file)
}

/// Opens a device for writing.
#[cfg(not(unix))]
fn open_special(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path) -> io::Result<AtomicFile> {
        AtomicFile::create(path, FileMode::PRIVATE)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_when_it_is_committed_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "before").unwrap();
        let mut file = create(&path).unwrap();
        file.write("af").unwrap();
        file.write("ter").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        drop(create(&folder.path().join("b.json")).unwrap());
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_path_that_cannot_be_written_fails_when_the_file_is_created() {
        let folder = tempfile::tempdir().unwrap();
        assert!(create(&folder.path().join("none/a.json")).is_err());
        assert!(create(folder.path()).is_err());
        assert!(create(Path::new("/")).is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_a_device_is_written_to_directly() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.json"), folder.path().join("link"));
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, FileMode::PRIVATE, "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write(Path::new("/dev/null"), FileMode::PRIVATE, "gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_too() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        for (target, link) in [("sub/new", "one"), ("one", "two")] {
            symlink(target, at(link)).unwrap();
            write(&at(link), FileMode::PRIVATE, link).unwrap();
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(at("sub/new")).unwrap(), link);
            fs::remove_file(at("sub/new")).unwrap();
        }
        // The folder of its target, and a link to itself.
        for (target, link) in [("none/new", "three"), ("four", "four")] {
            symlink(target, at(link)).unwrap();
            assert!(create(&at(link)).is_err(), "{link}");
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
        }
        assert_eq!(names(folder.path()), ["four", "one", "sub", "three", "two"]);
        assert!(names(&at("sub")).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_that_no_process_reads_is_refused_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        use std::io::Read;

        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let error = create(&fifo).unwrap_err();
        assert_eq!(error.to_string(), "no process reads it");
        // Much more than the system keeps for a slow reader.
        let text = "a".repeat(1 << 20);
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || {
                let mut read = Vec::new();
                File::open(fifo).unwrap().read_to_end(&mut read).unwrap();
                read.len()
            }
        });
        let mut file = loop {
            match create(&fifo) {
                Ok(file) => break file,
                Err(_) => std::thread::yield_now(),
            }
        };
        file.write(&text).unwrap();
        drop(file);
        assert_eq!(reader.join().unwrap(), text.len());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_private_and_a_replaced_one_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let bits = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        write(&path, FileMode::PRIVATE, "new").unwrap();
        assert_eq!(bits(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, FileMode::PRIVATE, "replaced").unwrap();
        assert_eq!(bits(), 0o644);
    }
}

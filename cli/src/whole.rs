//! A file that is written whole or not at all: under another name first, which is then made to be the
//! file's. What cannot be a file of its own, such as `/dev/stdout`, is written to as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

/// A file in the making. What is not finished leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Whole {
    path: PathBuf,
    file: File,
    /// The name that it has until it is finished.
    meanwhile: Option<PathBuf>,
}

impl Whole {
    /// Begins a file in place of what is there. Where it cannot be written is known from now on.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        // A link stays, and what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Ok(Self {
                file: File::options().write(true).open(&path)?,
                path,
                meanwhile: None,
            });
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let name = format!(".{}.{}", name.to_string_lossy(), process::id());
        let meanwhile = path.with_file_name(name);
        // Another process of this number has not come to its end.
        let _ = fs::remove_file(&meanwhile);
        Ok(Self {
            file: File::create_new(&meanwhile)?,
            path,
            meanwhile: Some(meanwhile),
        })
    }

    /// Writes it. When this returns, it is there even if the power fails.
    pub(crate) fn finish(mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        let Some(meanwhile) = &self.meanwhile else {
            return Ok(());
        };
        self.file.sync_all()?;
        fs::rename(meanwhile, &self.path)?;
        self.meanwhile = None;
        sync_folder_of(&self.path)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(meanwhile) = &self.meanwhile {
            // It is in nobody's way.
            let _ = fs::remove_file(meanwhile);
        }
    }
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    Whole::begin(path)?.finish(text)
}

/// A name is kept by the folder that it is in.
#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Where folders cannot be opened, the system sees to it.
#[cfg(not(unix))]
fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_when_it_is_finished_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "before").unwrap();
        let begun = Whole::begin(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        begun.finish("after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        drop(Whole::begin(&folder.path().join("b.json")).unwrap());
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_known_when_it_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Whole::begin(&folder.path().join("none/a.json")).is_err());
        assert!(Whole::begin(folder.path()).is_err());
        assert!(Whole::begin(Path::new("/")).is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_is_no_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.json"), folder.path().join("link"));
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write(Path::new("/dev/null"), "gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

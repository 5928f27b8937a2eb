//! Temporary folders. Every call works in a separate bare repository, which is removed when the
//! call ends or is dropped. So a lock file of a killed git blocks no other call. The calls share a
//! folder of objects, so that objects are not fetched again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tenure_core::Result;

use crate::failure::scratch_failed;

/// The number of calls that share a folder of objects. Objects are only added to it, so it is
/// replaced by an empty one afterwards.
const CALLS_PER_FOLDER: u32 = 1_000;
/// The number of attempts to remove a folder into which a dying process is writing.
const REMOVALS: u32 = 10;

/// The temporary folders of a handle.
#[derive(Debug)]
pub(crate) struct Scratch {
    objects: Mutex<Objects>,
    /// The parent of the other folders, which is removed last.
    root: Folder,
    calls_per_folder: u32,
}

#[derive(Debug)]
struct Objects {
    folder: Arc<Folder>,
    /// The number of further calls that may use the folder.
    calls: u32,
}

/// The folder of one call.
#[derive(Debug)]
pub(crate) struct Workspace {
    repository: Folder,
    objects: Arc<Folder>,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        Self::with_calls_per_folder(CALLS_PER_FOLDER)
    }

    pub(crate) fn with_calls_per_folder(calls_per_folder: u32) -> Result<Self> {
        let root = Folder::new(&std::env::temp_dir(), "tenure-git-")?;
        let objects = Objects {
            folder: Arc::new(Folder::new(&root.0, "objects-")?),
            calls: calls_per_folder,
        };
        Ok(Self {
            objects: Mutex::new(objects),
            root,
            calls_per_folder,
        })
    }

    /// Creates an empty bare repository for a call.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        let repository = Folder::new(&self.root.0, "call-")?;
        let path = &repository.0;
        // The minimal contents of a repository.
        fs::create_dir(path.join("refs"))
            .and_then(|()| fs::write(path.join("HEAD"), "ref: refs/heads/main\n"))
            .map_err(|error| scratch_failed(path, &error))?;
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if objects.calls == 0 {
            *objects = Objects {
                folder: Arc::new(Folder::new(&self.root.0, "objects-")?),
                calls: self.calls_per_folder,
            };
        }
        objects.calls -= 1;
        Ok(Workspace {
            repository,
            objects: Arc::clone(&objects.folder),
        })
    }
}

impl Workspace {
    /// The path of the repository.
    pub(crate) fn repository(&self) -> &Path {
        &self.repository.0
    }

    /// The path of the folder with its objects.
    pub(crate) fn objects(&self) -> &Path {
        &self.objects.0
    }
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path, prefix: &str) -> Result<Self> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
        let made = made.map_err(|error| scratch_failed(parent, &error))?;
        Ok(Self(made.keep()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    thread::sleep(Duration::from_millis(1));
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_objects_is_replaced_after_some_calls_and_removed_after_its_last() {
        let scratch = Scratch::with_calls_per_folder(2).unwrap();
        let [first, second, third] = [(); 3].map(|()| scratch.workspace().unwrap());
        assert_ne!(first.repository(), second.repository());
        assert_eq!(first.objects(), second.objects());
        assert_ne!(second.objects(), third.objects());
        let (root, objects) = (scratch.root.0.clone(), second.objects().to_owned());
        drop(first);
        assert!(objects.is_dir());
        drop(second);
        assert!(!objects.exists());
        drop(third);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        drop(scratch);
        assert!(!root.exists());
    }
}

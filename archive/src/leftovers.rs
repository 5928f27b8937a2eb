//! What interrupted uploads leave in a folder: files beside the objects, which are no objects. Services keep such parts out of sight, and
//! have rules of their own for them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tenure_core::{Millis, Timestamp};

use crate::address::Archive;
use crate::error::{ArchiveError, Result};
use crate::name::{self, MANIFESTS, SESSIONS};

/// A file that is no object.
#[derive(Debug)]
pub(crate) struct Leftover {
    path: PathBuf,
    /// When it was written last.
    pub(crate) written: Timestamp,
}

impl Archive {
    /// What interrupted uploads have left in the folder of this archive.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED`.
    pub(crate) async fn leftovers(&self) -> Result<Vec<Leftover>> {
        let Some(folder) = self.folder.clone() else {
            return Ok(Vec::new());
        };
        let found = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for part in [SESSIONS, MANIFESTS] {
                add_all(&folder.join(part), &mut found)?;
            }
            Ok(found)
        });
        match found.await {
            Ok(found) => found.map_err(failed),
            Err(_) => Err(ArchiveError::Internal("reading a folder has panicked")),
        }
    }
}

impl Leftover {
    /// Whether it was written so long before `now`.
    pub(crate) fn is_older(&self, age: Millis, now: Timestamp) -> bool {
        now.since(self.written) >= age.0
    }

    /// Removes it.
    ///
    /// # Errors
    /// `ARCHIVE_FAILED`.
    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

/// Adds those in a folder and in the folders of it.
fn add_all(folder: &Path, found: &mut Vec<Leftover>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            add_all(&entry.path(), found)?;
        } else if kind.is_file() && is_leftover(&entry.file_name().to_string_lossy()) {
            // It may have become an object meanwhile.
            if let Ok(about) = entry.metadata() {
                let written = about.modified().ok().and_then(timestamp);
                found.push(Leftover {
                    path: entry.path(),
                    written: written.unwrap_or_default(),
                });
            }
        }
    }
    Ok(())
}

/// Whether a name is that of an object or a manifest with a number behind it, under which a folder has what is being uploaded.
fn is_leftover(name: &str) -> bool {
    let Some((object, number)) = name.rsplit_once('#') else {
        return false;
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (name::parse_version(object).is_some() || name::parse_manifest(object).is_some())
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?).ok()
}

fn failed(error: io::Error) -> ArchiveError {
    ArchiveError::Unavailable(object_store::Error::Generic {
        store: "LocalFileSystem",
        source: Box::new(error),
    })
}

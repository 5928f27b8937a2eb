//! Backups of stores. A backup is written under a temporary name beside its target, verified by its
//! caller, and then renamed. It replaces nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use tenure_bridge::Options;
use tenure_core::error::Cause;
use tenure_core::value::address::unsupported_store;
use tenure_core::{Error, Result};
use tenure_permissions::sync_name;

use crate::local::Local;
use crate::open::{Lifetime, open_file, open_sqlite};
use crate::place::Place;

/// A backup that is not at its target yet. Dropping it removes it.
#[derive(Debug)]
pub struct Backup {
    place: Place,
    temporary: PathBuf,
    target: PathBuf,
}

impl Backup {
    /// Copies the store that a URL names, while others use it, to a temporary name beside `target`.
    /// The copy of a database is a database, and that of a folder a folder.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the target exists, `UNSUPPORTED_STORE` for a store without files,
    /// `STORE_UNAVAILABLE` if the store does not exist or cannot be read, and `STORAGE_FULL`.
    pub fn write(url: &str, options: &Options, target: &Path) -> Result<Self> {
        let place = Place::of(url)?;
        let source = match place {
            Some(place @ (Place::Sqlite(_) | Place::Registry(_) | Place::File(_))) => place,
            place => {
                let problem = "a backup needs a SQLite store or a file store; `tenure copy` copies the \
                               sessions of any store, `git clone --mirror` a repository, and \
                               `pg_dump` a database";
                let url = match &place {
                    // Of which nothing is shown but the host and the name.
                    Some(Place::Postgres(address)) => address.to_string(),
                    _ => url.to_owned(),
                };
                return Err(unsupported_store(&url, problem));
            }
        };
        if target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        let temporary = temporary_name(target)?;
        let (Place::Sqlite(path) | Place::Registry(path) | Place::File(path)) = &source else {
            return Err(Error::internal("a store without a path"));
        };
        // Opening would create it.
        path.metadata().map_err(|error| in_store(path, &error))?;
        let place = match &source {
            Place::File(_) => Place::File(temporary.clone()),
            _ => Place::Sqlite(temporary.clone()),
        };
        let backup = Self {
            place,
            temporary,
            target: target.to_owned(),
        };
        match &source {
            Place::File(path) => open_file(path, options)?.back_up(&backup.temporary)?,
            _ => {
                let store = open_sqlite(path, options, Lifetime::Brief)?;
                crate::open::file_mode(options)?
                    .create_new(&backup.temporary)
                    .map_err(|error| in_store(&backup.temporary, &error))?;
                store.back_up(&backup.temporary)?;
            }
        }
        Ok(backup)
    }

    /// Opens the copy, to verify it. It must be closed before the backup is finished.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(&self, options: &Options) -> Result<Local> {
        // Such a handle leaves no log beside a database.
        Local::open_place(&self.place, options, Lifetime::Long)
    }

    /// Gives the backup its name, which survives the loss of power when this returns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the target exists by now, and `STORE_UNAVAILABLE`.
    pub fn finish(self) -> Result<()> {
        let named = match &self.place {
            Place::File(_) => rename(&self.temporary, &self.target),
            // Fails if the target exists, which a rename does not.
            _ => fs::hard_link(&self.temporary, &self.target).or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                // The file system has no hard links.
                _ => rename(&self.temporary, &self.target),
            }),
        };
        named
            .and_then(|()| sync_name(&self.target))
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => exists(&self.target),
                _ => in_store(&self.target, &error),
            })
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // What cannot be removed has a name that shows what it is.
        let _ = match self.place {
            Place::File(_) => fs::remove_dir_all(&self.temporary),
            _ => fs::remove_file(&self.temporary),
        };
        // Its verification opened the database as a store.
        let mut reserve = self.temporary.clone().into_os_string();
        reserve.push("-reserve");
        let _ = fs::remove_file(reserve);
    }
}

/// The temporary name of a file or folder: hidden, and in the same folder.
fn temporary_name(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| {
        let problem = "expected the name of a new file or directory";
        Error::invalid("target", problem)
    })?;
    let name = format!(".{}.{}", name.to_string_lossy(), process::id());
    Ok(target.with_file_name(name))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

fn exists(target: &Path) -> Error {
    let problem = format!("{} exists, and a backup replaces nothing", target.display());
    Error::invalid("target", problem)
}

fn in_store(path: &Path, error: &io::Error) -> Error {
    let problem = format!("{}: {error}", path.display());
    Cause::StoreUnavailable { problem }.into()
}

//! A backup of an open store: a new folder with the content of one moment. Other handles and processes
//! may go on reading, and write when it is complete.

use std::fs;
use std::io;
use std::path::Path;

use tenure_core::Result;
use tenure_core::error::Cause;
use tenure_permissions::FileMode;

use crate::layout::{GONE, LOCK, NEXT, RESERVE, SESSION};
use crate::store::FileStore;

impl FileStore {
    /// Copies the store into a new folder at `target`, which must not exist. The files survive the
    /// loss of power when this returns, but their names may not.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the folder cannot be created or the store cannot be read, and
    /// `STORAGE_FULL`.
    pub fn back_up(&self, target: &Path) -> Result<()> {
        let (source, mode) = (self.path().to_owned(), self.file_mode());
        let copied = self.transaction(|_| copy_store(&source, target, mode))?;
        copied.map_err(|error| {
            let problem = format!("{}: {error}", target.display());
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Cause::StorageFull { problem }.into()
                }
                _ => Cause::StoreUnavailable { problem }.into(),
            }
        })
    }
}

fn copy_store(source: &Path, target: &Path, mode: FileMode) -> io::Result<()> {
    create_folder(target, mode)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(source, &from, &to, mode)?;
        } else if kind.is_symlink() && from.is_dir() {
            // A session in another place. Only its session file belongs to the store.
            create_folder(&to, mode)?;
            copy_file(&from.join(SESSION), &to.join(SESSION), mode)?;
        }
    }
    Ok(())
}

fn copy_folder(store: &Path, from: &Path, to: &Path, mode: FileMode) -> io::Result<()> {
    create_folder(to, mode)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if [LOCK, NEXT, GONE, RESERVE]
            .map(|path| store.join(path))
            .contains(&from)
        {
            // The lock, the room that is kept, and what an interrupted write has left.
        } else if kind.is_dir() {
            copy_folder(store, &from, &to, mode)?;
        } else if kind.is_file() {
            copy_file(&from, &to, mode)?;
        }
    }
    Ok(())
}

fn create_folder(path: &Path, mode: FileMode) -> io::Result<()> {
    match mode.create_folder(path)? {
        true => Ok(()),
        false => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

fn copy_file(from: &Path, to: &Path, mode: FileMode) -> io::Result<()> {
    let mut source = match tenure_regular::open(from) {
        // A folder without a session file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut target = mode.create_new(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_data()
}

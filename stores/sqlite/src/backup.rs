//! A backup of an open store: a new database with the content of one moment. Other handles and
//! processes may go on writing.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tenure_core::Result;
use tenure_core::error::Cause;

use crate::database::Database;
use crate::failure;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Writes the content of the store into a new database at `target`, and verifies the structure of
    /// the result. The file must be empty or not exist. Its contents survive the loss of power when
    /// this returns, but its name may not.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the file cannot be written or is damaged, and `STORAGE_FULL`.
    pub fn back_up(&self, target: &Path) -> Result<()> {
        write(self.database(), target)?;
        verify(target)?;
        File::open(target)
            .and_then(|file| file.sync_all())
            .map_err(|error| unavailable(target, &error.to_string()).into())
    }
}

fn write(database: &Database, target: &Path) -> Result<()> {
    let path = target
        .to_str()
        .ok_or_else(|| unavailable(target, "the path is not valid UTF-8"))?;
    // Reads one snapshot. Without the pages of removed sessions, the copy is the smallest possible.
    database
        .prepare("VACUUM INTO ?1")
        .and_then(|mut statement| statement.execute([path]))
        .map(drop)
        .map_err(|error| failure::describe(target, "back up", &error))
}

fn verify(target: &Path) -> Result<()> {
    let failed = |error: rusqlite::Error| failure::describe(target, "check", &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(target, flags).map_err(failed)?;
    let found: String = copy
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(failed)?;
    match found.as_str() {
        "ok" => Ok(()),
        problem => Err(unavailable(target, &format!("the copy is damaged: {problem}")).into()),
    }
}

fn unavailable(target: &Path, problem: &str) -> Cause {
    Cause::StoreUnavailable {
        problem: format!("{}: {problem}", target.display()),
    }
}

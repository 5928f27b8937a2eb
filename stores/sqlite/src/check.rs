//! The check of what no session shows: the structure of the file, the counts that statistics are made of, the
//! index of tasks, and the feed.

use std::path::Path;

use tenure_core::Result;
use tenure_core::store::Problem;

use crate::database::Database;
use crate::failure;
use crate::options::SqliteOptions;
use crate::store::SqliteStore;

/// The most problems of the structure that are listed.
const STRUCTURE_PROBLEMS: u32 = 20;

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What was wrong, and was repaired.
    pub repaired: Vec<Problem>,
}

/// What a problem of the structure names in place of a session.
const FILE: &str = "file";

impl Checked {
    /// The result of a check that has found these, and repaired them if it was to.
    pub fn of(found: Vec<Problem>, repair: bool) -> Self {
        let (problems, repaired) = match repair {
            true => (Vec::new(), found),
            false => (found, Vec::new()),
        };
        Self { problems, repaired }
    }

    /// Whether the structure of the file is damaged, so that not everything in it can be read.
    pub fn is_file_damaged(&self) -> bool {
        self.problems.iter().any(|problem| problem.id == FILE)
    }
}

impl SqliteStore {
    /// Checks the structure of the file, and if that is intact the counts, the index of tasks and the feed.
    /// `repair` replaces wrong counts and a damaged index, and lets readers of the feed begin after a change that
    /// is damaged. A file whose structure is damaged is not written to.
    ///
    /// # Errors
    /// Those of the store. Nothing is repaired then.
    pub fn check(&self, repair: bool) -> Result<Checked> {
        let structure = structure(self.database())?;
        if !structure.is_empty() {
            return Ok(Checked {
                problems: structure,
                ..Checked::default()
            });
        }
        let mut found = self.recount(repair)?;
        found.extend(self.check_texts(repair)?);
        found.extend(self.check_feed(repair)?);
        Ok(Checked::of(found, repair))
    }

    fn check_feed(&self, repair: bool) -> Result<Vec<Problem>> {
        match repair {
            true => self.changing(|database| database.check_feed(true)),
            false => self.database().check_feed(false),
        }
    }
}

/// The damage to the structure of a file that cannot be opened or checked as a store. A file that is intact, or is
/// no database, has none.
pub fn damage_of(path: &Path) -> Checked {
    // As an open store, it names the file by its absolute path.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let database = Database::connect(&path.into(), &SqliteOptions::default());
    let problems = database.and_then(|database| {
        // A damaged file is not written to.
        database.skip_checkpoint_on_close();
        structure(&database)
    });
    Checked {
        problems: problems.unwrap_or_default(),
        ..Checked::default()
    }
}

/// What SQLite finds in the structure. It stops at damage that it cannot read past.
fn structure(database: &Database) -> Result<Vec<Problem>> {
    let mut lines = Vec::new();
    let mut read = || {
        let sql = format!("PRAGMA integrity_check({STRUCTURE_PROBLEMS})");
        let mut check = database.prepare(&sql)?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            lines.push(row.get::<_, String>(0)?);
        }
        Ok(())
    };
    match read() {
        Ok(()) => {}
        Err(error) if failure::is_damage(&error) => lines.push(error.to_string()),
        Err(error) => return Err(database.failed("check", &error)),
    }
    // The index of tasks is compared with the tasks, and can be made again.
    let is_of_index = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.contains("fts5") || line.contains("constructor failed: texts")
    };
    let lines = lines
        .into_iter()
        .filter(|line| line != "ok" && !is_of_index(line));
    let problem = |line| Problem {
        id: FILE.to_owned(),
        problem: format!(
            "{}: {line}; restore the file from a backup, copy what can be read into a new store with \
             `tenure copy`, or recover it with `.recover` of sqlite3",
            database.path().display()
        ),
    };
    Ok(lines.map(problem).collect())
}

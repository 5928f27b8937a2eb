//! Counting all sessions again, to compare the result with the counts that are kept.

use tenure_core::Result;
use tenure_core::store::Problem;

use crate::counts::{DIFFERENCES, MEND, name};
use crate::database::Database;
use crate::row;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Which of the counts that statistics are made of differ from the sessions. `mend` replaces them.
    ///
    /// # Errors
    /// Those of the store. Nothing is replaced then.
    pub fn recount(&self, mend: bool) -> Result<Vec<Problem>> {
        let database = self.database();
        if !mend {
            return differences(database);
        }
        self.changing(|database| {
            let found = differences(database)?;
            if !found.is_empty() {
                database.execute_batch("check", MEND)?;
            }
            Ok(found)
        })
    }

    /// Changes the database in a transaction, which is rolled back after an error.
    pub(crate) fn changing<T>(&self, change: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        self.transaction(|_| {
            let database = self.database();
            let changed = change(database);
            if changed.is_err() && database.in_transaction() {
                database.run("check", "ROLLBACK")?;
            }
            changed
        })?
    }
}

fn differences(database: &Database) -> Result<Vec<Problem>> {
    let read = || {
        let mut find = database.prepare(DIFFERENCES)?;
        let mut rows = find.query([])?;
        let mut differences = Vec::new();
        while let Some(row) = rows.next()? {
            let (user_id, mode) = (row::any_text(row, 0), row::any_text(row, 1));
            let of_user = name(&user_id).map(|id| format!(" of user {id:?}"));
            let in_mode = name(&mode).map(|mode| format!(" in mode {mode:?}"));
            differences.push(Problem {
                id: "statistics".to_owned(),
                problem: format!(
                    "the counts of the sessions{}{} are wrong",
                    of_user.unwrap_or_default(),
                    in_mode.unwrap_or_default()
                ),
            });
        }
        Ok(differences)
    };
    read().map_err(|error| database.failed("check", &error))
}

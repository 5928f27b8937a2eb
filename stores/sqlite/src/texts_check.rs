//! Comparing the index of tasks with the sessions, and replacing it.
//!
//! FTS5 can compare an index with what it is of, but only while no other process writes, and does not notice
//! when its way to a trigram is damaged. So the sessions that are found by each trigram are compared with
//! those that FTS5 finds when it indexes the tasks again, a part at a time, in memory: of both, a sum is
//! made that does not depend on the order.

use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Connection;
use tenure_core::Result;
use tenure_core::store::Problem;

use crate::database::Database;
use crate::failure;
use crate::store::SqliteStore;
use crate::texts::{fts5_options, quoted};

/// How many tasks are indexed at a time.
const PART: u32 = 5000;

impl SqliteStore {
    /// Whether the index of tasks differs from the sessions, if the file has one. `mend` replaces it.
    ///
    /// # Errors
    /// Those of the store. What is not indexed then is added later.
    pub fn check_texts(&self, mend: bool) -> Result<Vec<Problem>> {
        let database = self.database();
        if !database.texts_are_indexed()? {
            return Ok(Vec::new());
        }
        let problems = match database.reading(|| difference(database)) {
            Ok(problem) => problem.into_iter().collect(),
            Err(error) if failure::is_damage(&error) => vec![error.to_string()],
            Err(error) => return Err(database.failed("check", &error)),
        };
        if mend && !problems.is_empty() {
            self.changing(Database::renew_text_index)?;
            while self.changing(Database::add_part_of_texts)? {}
        }
        let describe = |problem| Problem {
            id: "texts".to_owned(),
            problem: format!("the index of tasks is damaged: {problem}"),
        };
        Ok(problems.into_iter().map(describe).collect())
    }
}

/// What is wrong with the index, read in one state of the database.
fn difference(database: &Database) -> rusqlite::Result<Option<String>> {
    // FTS5 reads the structure of the index again for a query, and not for a check, after another
    // connection has changed it.
    database
        .prepare("SELECT EXISTS (SELECT 1 FROM texts WHERE texts MATCH ?)")?
        .query_row([quoted("   ")], |_| Ok(()))?;
    let found: String = database
        .prepare("PRAGMA integrity_check('texts')")?
        .query_row([], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let differs = sum_of_index(database)? != sum_of_tasks(database)?;
    Ok(differs.then(|| "it has other sessions than the store".to_owned()))
}

/// The sum of the trigrams by which the index finds sessions.
fn sum_of_index(database: &Database) -> rusqlite::Result<u64> {
    database
        .prepare("CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab(main, texts, row)")?
        .execute([])?;
    let mut terms = database.prepare("SELECT term FROM temp.terms")?;
    let mut terms = terms.query([])?;
    let mut find = database.prepare("SELECT rowid FROM texts WHERE texts MATCH ?")?;
    let mut sum = 0u64;
    while let Some(row) = terms.next()? {
        let term = row.get_ref(0)?.as_str()?;
        let mut rows = find.query([quoted(term)])?;
        while let Some(row) = rows.next()? {
            sum = sum.wrapping_add(hash_of(term, row.get(0)?));
        }
    }
    Ok(sum)
}

/// The sum of the trigrams that the index should have.
fn sum_of_tasks(database: &Database) -> rusqlite::Result<u64> {
    let scratch = Connection::open_in_memory()?;
    scratch.execute_batch(concat!(
        "CREATE VIRTUAL TABLE texts USING fts5(task, content = '', ",
        fts5_options!(),
        "); CREATE VIRTUAL TABLE terms USING fts5vocab(texts, instance)"
    ))?;
    let mut insert = scratch.prepare("INSERT INTO texts (rowid, task) VALUES (?, ?)")?;
    let mut terms = scratch.prepare("SELECT term, doc FROM terms")?;
    let mut clear = scratch.prepare("INSERT INTO texts (texts) VALUES ('delete-all')")?;
    let mut select = database.prepare("SELECT key, task FROM indexed_texts")?;
    let mut rows = select.query([])?;
    let (mut sum, mut count) = (0u64, 0);
    scratch.execute_batch("BEGIN")?;
    while let Some(row) = rows.next()? {
        insert.execute((row.get::<_, i64>(0)?, row.get_ref(1)?.as_str()?))?;
        count += 1;
        if count % PART == 0 {
            sum = sum.wrapping_add(sum_of(&mut terms)?);
            clear.execute([])?;
        }
    }
    Ok(sum.wrapping_add(sum_of(&mut terms)?))
}

/// The sum of the trigrams, each with the key of a session that has it.
fn sum_of(terms: &mut rusqlite::Statement<'_>) -> rusqlite::Result<u64> {
    let mut rows = terms.query([])?;
    let mut sum = 0u64;
    while let Some(row) = rows.next()? {
        sum = sum.wrapping_add(hash_of(row.get_ref(0)?.as_str()?, row.get(1)?));
    }
    Ok(sum)
}

fn hash_of(term: &str, key: i64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (term, key).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// A check asks for the trigrams as FTS5 has folded them.
    #[test]
    fn a_folded_letter_is_folded_to_itself() {
        let scratch = Connection::open_in_memory().unwrap();
        scratch
            .execute_batch(concat!(
                "CREATE VIRTUAL TABLE texts USING fts5(task, content = '', ",
                fts5_options!(),
                "); CREATE VIRTUAL TABLE terms USING fts5vocab(texts, instance); BEGIN"
            ))
            .unwrap();
        let mut insert = scratch
            .prepare("INSERT INTO texts (rowid, task) VALUES (?, ?)")
            .unwrap();
        for letter in ('\u{1}'..=char::MAX).filter(|letter| letter.is_alphabetic()) {
            insert
                .execute((u32::from(letter), format!("{letter}{letter}{letter}")))
                .unwrap();
        }
        let mut terms = scratch.prepare("SELECT term, doc FROM terms").unwrap();
        let mut find = scratch
            .prepare("SELECT 1 FROM texts WHERE texts MATCH ? AND rowid = ?")
            .unwrap();
        let mut rows = terms.query([]).unwrap();
        let mut count = 0;
        while let Some(row) = rows.next().unwrap() {
            let (term, letter): (String, u32) = (row.get(0).unwrap(), row.get(1).unwrap());
            assert!(find.exists((quoted(&term), letter)).unwrap(), "{term}");
            count += 1;
        }
        assert!(count > 100_000);
    }
}

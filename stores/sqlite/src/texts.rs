//! The index of the tasks, by which the filter `text` finds few sessions among many. It is a setting of the
//! file, off at first.
//!
//! `texts` is a full-text index of the trigrams of tasks. It only narrows down where a list looks: what a
//! list contains is still decided by its conditions. FTS5 folds more letters than the filter does, each
//! by itself, so every task that contains a text has the trigrams of that text.
//!
//! No write of a session writes to the index, which may cost as much as the write. The index has the
//! sessions up to a key, which is the value of the setting. Triggers note in `stale_texts` which of these
//! have changed since, with the text that the index has of them. Lists look at these sessions and at
//! those beyond the key as well. When they are many, the writer thread adds them, a part at a time, each in
//! a transaction of its own. So an index may end anywhere, and goes on from there.
//!
//! FTS5 ends a text at NUL. Sessions with NUL in their tasks stay in `stale_texts`.

use tenure_core::Result;
use tenure_core::store::filter::{Filter, OrderBy};

use crate::database::Database;
use crate::failure;
use crate::query::{Source, indexed_through};

/// How many sessions a transaction adds to the index at most: a few milliseconds.
const PART: i64 = 256;
/// From so many bytes of tasks on a transaction adds no further session.
const PART_BYTES: usize = 64 << 10;
/// From so many sessions on that the index lacks, it is not used: to look at each costs more than it saves.
const TOO_MANY: i64 = 20_000;
/// The letters of a trigram.
const TRIGRAM: usize = 3;
/// How many trigrams of a text are looked up: more as long as many sessions have these. Each costs time.
const TRIGRAMS: [usize; 3] = [3, 6, 12];
/// So many candidates are read quicker than further trigrams are looked up.
const VERY_FEW: i64 = 200;
/// Up to this number, candidates are quickly read and sorted.
const FEW: i64 = 1000;
/// The length of a page, to estimate what it costs to read sessions in order until it is full.
const PAGE: i64 = 50;
/// Reading all sessions costs as much as to look up one of so many.
const LOOKUP: i64 = 16;

/// The options of the index.
macro_rules! fts5_options {
    () => {
        "tokenize = 'trigram', detail = none, columnsize = 0"
    };
}
pub(crate) use fts5_options;

/// Creates an index that has no session yet. The triggers replace nothing, also within `INSERT OR REPLACE`.
const CREATE: &str = concat!(
    "
CREATE TABLE stale_texts (
  key INTEGER PRIMARY KEY,
  task TEXT
) STRICT;
CREATE VIEW indexed_texts AS
  SELECT key, task FROM sessions
    WHERE key <= ",
    indexed_through!(),
    " AND key NOT IN (SELECT key FROM stale_texts)
  UNION ALL SELECT key, task FROM stale_texts WHERE task IS NOT NULL;
CREATE VIRTUAL TABLE texts USING fts5(
  task, content = 'indexed_texts', content_rowid = 'key', ",
    fts5_options!(),
    "
);
CREATE TRIGGER texts_of_started AFTER INSERT ON sessions
WHEN NEW.key <= ",
    indexed_through!(),
    " BEGIN
  INSERT INTO stale_texts VALUES (NEW.key, NULL) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER texts_of_changed AFTER UPDATE OF task ON sessions
WHEN NEW.task IS NOT OLD.task AND OLD.key <= ",
    indexed_through!(),
    " BEGIN
  INSERT INTO stale_texts VALUES (OLD.key, OLD.task) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER texts_of_removed AFTER DELETE ON sessions
WHEN OLD.key <= ",
    indexed_through!(),
    " BEGIN
  INSERT INTO stale_texts VALUES (OLD.key, OLD.task) ON CONFLICT DO NOTHING;
END;
INSERT INTO settings (name, value) VALUES ('textIndex', 0);
"
);

/// Removes the index, whatever of it is there. A table of FTS5 is only dropped after its version was read.
const DROP: &str = "
DROP TRIGGER IF EXISTS texts_of_started;
DROP TRIGGER IF EXISTS texts_of_changed;
DROP TRIGGER IF EXISTS texts_of_removed;
CREATE TABLE IF NOT EXISTS texts_config (k PRIMARY KEY, v) WITHOUT ROWID;
INSERT OR REPLACE INTO texts_config VALUES ('version', 4);
DROP TABLE IF EXISTS texts;
DROP TABLE IF EXISTS texts_data;
DROP TABLE IF EXISTS texts_idx;
DROP TABLE IF EXISTS texts_config;
DROP VIEW IF EXISTS indexed_texts;
DROP TABLE IF EXISTS stale_texts;
DELETE FROM settings WHERE name = 'textIndex';
";

/// A session of which the index has another text, or none.
struct Stale {
    key: i64,
    /// The text that the index has.
    indexed: Option<String>,
    /// The text that the session has, if it exists.
    task: Option<String>,
}

impl Database {
    /// Turns the index on or off.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn index_texts(&self, wanted: bool) -> Result<()> {
        if self.texts_are_indexed()? == wanted {
            return Ok(());
        }
        let transaction = self.begin()?;
        // Another process may have done it meanwhile.
        if self.texts_are_indexed()? != wanted {
            self.execute_batch("open", DROP)?;
            if wanted {
                self.execute_batch("open", CREATE)?;
            }
        }
        transaction.commit()
    }

    /// Replaces the index by one that has no session yet. The caller has opened a transaction.
    pub(crate) fn renew_text_index(&self) -> Result<()> {
        self.execute_batch("check", DROP)?;
        self.execute_batch("check", CREATE)
    }

    /// Whether the index is on.
    pub(crate) fn texts_are_indexed(&self) -> Result<bool> {
        self.indexed_through()
            .map(|through| through.is_some())
            .map_err(|error| self.failed("list", &error))
    }

    /// The key up to which the index has sessions, if it is on.
    fn indexed_through(&self) -> rusqlite::Result<Option<i64>> {
        self.prepare(concat!("SELECT ", indexed_through!()))?
            .query_row([], |row| row.get(0))
    }

    /// Reads the sessions that match a filter from where they are found quickly: by the trigrams of its text,
    /// or as [`source_for`](Self::source_for) says. `by` is the order of the list of which a page is wanted.
    pub(crate) fn read_matches<T>(
        &self,
        filter: &Filter,
        by: Option<OrderBy>,
        method: &str,
        mut read: impl FnMut(Source<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let failed = |error: rusqlite::Error| self.failed(method, &error);
        if let Some(text) = &filter.text {
            // Another process may turn the index off.
            let found = self.reading(|| match self.candidates(text, by.is_some())? {
                Some(keys) => read(Source::Keys(&keys)).map(Some),
                None => Ok(None),
            });
            match found {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                // The sessions are not: a check reports a damaged index, and renews it.
                Err(error) if failure::is_damage(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        read(self.source_for(filter, by)?).map_err(failed)
    }

    /// The keys of the sessions in the index that may contain a text, as an array in JSON. `None` if they are
    /// so many, or so many are not in the index, that less is read otherwise: sessions in order until a
    /// page is full, or all of them.
    fn candidates(&self, text: &str, in_order: bool) -> rusqlite::Result<Option<String>> {
        let trigrams = trigrams(text);
        if trigrams.is_empty() {
            return Ok(None);
        }
        let Some(through) = self.indexed_through()? else {
            return Ok(None);
        };
        let (lacking, last) = self.lacking(through)?;
        if lacking > PART {
            self.report_lacking_texts();
        }
        if lacking >= TOO_MANY {
            return Ok(None);
        }
        // When `n` sessions of `last` match, `last / n` are read for each of a page. To look one up and sort it
        // costs about four times as much as to read it in order.
        let few = match in_order {
            true => last.saturating_mul(PAGE).isqrt() / 2,
            false => last / LOOKUP,
        }
        .max(FEW);
        let [.., most] = TRIGRAMS;
        let all = most.min(trigrams.len());
        for count in TRIGRAMS.map(|count| count.min(all)) {
            let enough = if count == all { few } else { VERY_FEW };
            let (found, keys): (i64, String) = self
                .prepare(
                    "SELECT count(*), json_group_array(rowid) FROM \
                     (SELECT rowid FROM texts WHERE texts MATCH ? LIMIT ?)",
                )?
                .query_row((all_of(&trigrams, count), enough), |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if found < enough {
                return Ok(Some(keys));
            }
            if count == all {
                break;
            }
        }
        Ok(None)
    }

    /// About how many sessions the index lacks, and the last key.
    fn lacking(&self, through: i64) -> rusqlite::Result<(i64, i64)> {
        self.prepare(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM stale_texts LIMIT ?)), \
             coalesce((SELECT max(key) FROM sessions), 0)",
        )?
        .query_row([TOO_MANY], |row| {
            let (stale, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((stale + last.saturating_sub(through).max(0), last))
        })
    }

    /// Whether the index is on and lacks sessions.
    pub(crate) fn lacks_texts(&self) -> Result<bool> {
        self.indexed_through()
            .and_then(|through| match through {
                Some(through) => Ok(self.lacking(through)?.0 > 0),
                None => Ok(false),
            })
            .map_err(|error| self.failed("list", &error))
    }

    /// Adds a part of the sessions that the index lacks, in a transaction. Returns whether it may lack more.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn add_texts(&self) -> Result<bool> {
        let transaction = self.begin()?;
        let more = self.add_part_of_texts()?;
        transaction.commit()?;
        Ok(more)
    }

    /// Adds a part of the sessions that the index lacks. Returns whether it may lack more. The caller has
    /// opened a transaction.
    pub(crate) fn add_part_of_texts(&self) -> Result<bool> {
        self.add_part()
            .map_err(|error| self.failed("commit", &error))
    }

    fn add_part(&self) -> rusqlite::Result<bool> {
        let Some(through) = self.indexed_through()? else {
            return Ok(false);
        };
        let stale = self.stale()?;
        for text in &stale {
            self.refresh(text)?;
        }
        if !stale.is_empty() {
            return Ok(true);
        }
        let last: Option<i64> = self
            .prepare(
                "SELECT max(key) FROM (SELECT key, \
                 sum(octet_length(task)) OVER (ORDER BY key) - octet_length(task) AS before \
                 FROM (SELECT key, task FROM sessions WHERE key > ? ORDER BY key LIMIT ?)) \
                 WHERE before < ?",
            )?
            .query_row((through, PART, PART_BYTES as i64), |row| row.get(0))?;
        let Some(last) = last else {
            return Ok(false);
        };
        self.prepare(
            "INSERT INTO texts (rowid, task) SELECT key, task FROM sessions \
             WHERE key > ? AND key <= ? AND instr(task, char(0)) = 0",
        )?
        .execute((through, last))?;
        self.prepare(
            "INSERT INTO stale_texts SELECT key, NULL FROM sessions \
             WHERE key > ? AND key <= ? AND instr(task, char(0)) > 0",
        )?
        .execute((through, last))?;
        self.prepare("UPDATE settings SET value = ? WHERE name = 'textIndex'")?
            .execute([last])?;
        Ok(true)
    }

    /// Some of the sessions that have changed, without those of which the index has and can have no text.
    fn stale(&self) -> rusqlite::Result<Vec<Stale>> {
        let mut select = self.prepare(
            "SELECT stale_texts.key, stale_texts.task, sessions.task \
             FROM stale_texts LEFT JOIN sessions ON sessions.key = stale_texts.key \
             WHERE stale_texts.task IS NOT NULL OR sessions.task IS NULL \
             OR instr(sessions.task, char(0)) = 0 ORDER BY stale_texts.key LIMIT ?",
        )?;
        let mut rows = select.query([PART])?;
        let (mut stale, mut bytes) = (Vec::new(), 0);
        while bytes < PART_BYTES
            && let Some(row) = rows.next()?
        {
            let (indexed, task) = (row.get::<_, Option<String>>(1)?, row.get(2)?);
            let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            bytes += length(&indexed) + length(&task);
            stale.push(Stale {
                key: row.get(0)?,
                indexed,
                task,
            });
        }
        Ok(stale)
    }

    fn refresh(&self, stale: &Stale) -> rusqlite::Result<()> {
        let Stale { key, indexed, task } = stale;
        if let Some(indexed) = indexed {
            self.prepare("INSERT INTO texts (texts, rowid, task) VALUES ('delete', ?, ?)")?
                .execute((key, indexed))?;
        }
        match task {
            Some(task) if task.contains('\0') => self
                .prepare("UPDATE stale_texts SET task = NULL WHERE key = ?")?
                .execute([key])
                .map(drop),
            task => {
                if let Some(task) = task {
                    self.prepare("INSERT INTO texts (rowid, task) VALUES (?, ?)")?
                        .execute((key, task))?;
                }
                self.prepare("DELETE FROM stale_texts WHERE key = ?")?
                    .execute([key])
                    .map(drop)
            }
        }
    }
}

/// The trigrams of a text. A text with NUL has none, as it is in no task of the index.
fn trigrams(text: &str) -> Vec<String> {
    if text.contains('\0') {
        return Vec::new();
    }
    let letters: Vec<char> = text.chars().collect();
    let trigrams = letters.windows(TRIGRAM);
    trigrams.map(|trigram| trigram.iter().collect()).collect()
}

/// The query of FTS5 for the tasks that have so many of the trigrams: at equal distances, and within words if
/// there are enough, because those between words are frequent.
fn all_of(trigrams: &[String], count: usize) -> String {
    let has_space = |trigram: &String| trigram.contains(char::is_whitespace);
    let within: Vec<_> = trigrams
        .iter()
        .filter(|trigram| !has_space(trigram))
        .collect();
    let from = match within.len() >= count {
        true => within,
        false => trigrams.iter().collect(),
    };
    let last = from.len().saturating_sub(1);
    let chosen: Vec<_> = (0..count.min(from.len()))
        .filter_map(|number| from.get(last * number / (count - 1).max(1)))
        .map(|trigram| quoted(trigram))
        .collect();
    chosen.join(" AND ")
}

/// A trigram in a query of FTS5.
pub(crate) fn quoted(trigram: &str) -> String {
    format!("\"{}\"", trigram.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::path::Path;
    use std::sync::Arc;

    use tenure_core::store::ListQuery;
    use tenure_core::store::filter::{Direction, Order};

    use super::*;
    use crate::options::SqliteOptions;
    use crate::query::CANDIDATES;
    use crate::schema;

    #[test]
    fn trigrams_are_spread_over_a_text() {
        let of = |text, count| all_of(&trigrams(text), count);
        assert_eq!(of("ab", 3), "");
        assert_eq!(of("a\0bcd", 3), "");
        assert_eq!(of("äöü", 1), r#""äöü""#);
        assert_eq!(of(r#"a"b*"#, 2), r#""a""b" AND """b*""#);
        assert_eq!(of("0123456789", 3), r#""012" AND "345" AND "789""#);
        assert_eq!(of("0123456789", 8).matches("AND").count(), 7);
        assert_eq!(of("ab cde fgh", 2), r#""cde" AND "fgh""#);
        assert_eq!(of("ab cde fgh", 3), r#""ab " AND "cde" AND "fgh""#);
    }

    #[test]
    fn long_tasks_are_added_a_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let database = opened(folder.path());
        database.index_texts(true).unwrap();
        let lacking = || {
            let through = database.indexed_through().unwrap().unwrap();
            database.lacking(through).unwrap().0
        };
        database
            .execute_batch("test", &many("hex(randomblob(20000)) || n", 10))
            .unwrap();
        assert_eq!(lacking(), 10);
        assert!(database.add_texts().unwrap());
        assert_eq!(lacking(), 8, "each has 40,000 bytes");
        while database.add_texts().unwrap() {}
        assert_eq!(lacking(), 0);
        database
            .execute_batch("test", "UPDATE sessions SET task = task || ' again'")
            .unwrap();
        assert_eq!(lacking(), 10);
        assert!(database.add_texts().unwrap());
        assert_eq!(lacking(), 9, "the index has their former texts");
        while database.add_texts().unwrap() {}
        assert_eq!(lacking(), 0);
    }

    #[test]
    fn a_rare_text_is_looked_up_and_a_frequent_one_is_met_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let database = opened(folder.path());
        database
            .execute_batch("test", &many("'Number ' || n", 20_100))
            .unwrap();
        assert!(!reads_candidates(&database, "12345"), "it is off");
        database.index_texts(true).unwrap();
        assert!(
            !reads_candidates(&database, "12345"),
            "it lacks too many sessions"
        );
        while database.add_texts().unwrap() {}
        assert!(!database.lacks_texts().unwrap());
        assert!(reads_candidates(&database, "12345"));
        assert!(reads_candidates(&database, "number 1234"));
        assert!(!reads_candidates(&database, "number"));
        assert!(!reads_candidates(&database, "17"), "it is too short");
    }

    fn opened(folder: &Path) -> Database {
        let path: Arc<Path> = folder.join("tenure.db").into();
        let options = SqliteOptions::default();
        let database = Database::connect(&path, &options).unwrap();
        database.set_up(&options).unwrap();
        schema::take_step(&database, 0).unwrap();
        database
    }

    /// Adds sessions with numbers from 1 and these tasks.
    fn many(task: &str, count: u32) -> String {
        format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
             INSERT INTO sessions (id, version, status, mode, created_at, updated_at,
              iterations, max_iterations, event_count, prompt_tokens, completion_tokens,
              cost_nanos, task, context)
             SELECT n, 1, 'active', 'x', n, n, 0, 0, 0, 0, 0, 0, {task}, '{{}}' FROM n"
        )
    }

    /// Whether a list of the sessions with a text looks at those that may contain it.
    fn reads_candidates(database: &Database, text: &str) -> bool {
        let query = ListQuery {
            filter: Filter {
                text: Some(text.to_owned()),
                ..Filter::default()
            },
            order: Order {
                by: OrderBy::CreatedAt,
                direction: Direction::Asc,
            },
            after: None,
            offset: 0,
            limit: 10,
            max_bytes: u64::MAX,
        };
        database.statements.borrow_mut().clear();
        let page = database.list(&query, |_, _| ()).unwrap();
        assert!(!page.heads.is_empty());
        let statements = database.statements.borrow();
        statements.iter().any(|sql| sql.contains(CANDIDATES))
    }
}

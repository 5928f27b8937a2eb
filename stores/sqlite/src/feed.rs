//! The feed of a database: the table `changes`. A commit adds its changes in its own transaction, so that
//! positions are in the order of the commits, and removes the oldest ones now and then.
//!
//! A row that is damaged is a gap: nobody knows what has changed. A reader that comes to it has to begin
//! after it, as one that comes to changes which are no longer kept.

use std::ops::RangeInclusive;

use rusqlite::OptionalExtension;
use tenure_core::Result;
use tenure_core::store::feed::{ChangeKind, EventRange, FedChange, FeedPage, FeedQuery};
use tenure_core::store::{Changes, Problem};

use crate::database::Database;
use crate::row;

/// Every so many changes the oldest ones are removed.
const BETWEEN_REMOVALS: i64 = 64;
/// The positions that a commit can have given: those that JavaScript can tell from each other.
const POSITIONS: RangeInclusive<i64> = 1..=(1 << 53) - 1;
/// In the column `kind` of a row whose damage was repaired: it stays a gap, and keeps its position from
/// being given again.
const GAP: &str = "gap";

impl Database {
    /// Adds changes to the feed. The caller has opened a transaction.
    pub(crate) fn add_to_feed(&self, changes: &Changes) -> rusqlite::Result<()> {
        for change in changes.feed() {
            let events = change.events;
            self.prepare(
                "INSERT INTO changes (kind, key, first_event, last_event, ends_history) \
                 VALUES (?, ?, ?, ?, ?)",
            )?
            .execute((
                change.kind.as_str(),
                &change.key,
                events.map(|events| row::stored(events.first)),
                events.map(|events| row::stored(events.last)),
                change.ends_history.then_some(1),
            ))?;
            let position = self.last_key();
            if position % BETWEEN_REMOVALS == 0 {
                self.prepare(
                    "DELETE FROM changes WHERE position <= ? - \
                     coalesce((SELECT value FROM settings WHERE name = 'keepChanges'), 100000)",
                )?
                .execute([position])?;
            }
        }
        Ok(())
    }

    /// Sets the number of changes that the feed keeps.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn keep_changes(&self, count: u64) -> Result<()> {
        let failed = |error: rusqlite::Error| self.failed("open", &error);
        let count = row::stored(count);
        let known = self
            .prepare("SELECT value FROM settings WHERE name = 'keepChanges'")
            .and_then(|mut select| select.query_row([], |row| row.get(0)).optional())
            .map_err(failed)?;
        if known == Some(count) {
            return Ok(());
        }
        let transaction = self.begin()?;
        self.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES ('keepChanges', ?)")
            .and_then(|mut insert| insert.execute([count]))
            .map_err(failed)?;
        transaction.commit()
    }

    /// Reads a part of the feed.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the files of the store are not at their paths, and those of the store.
    pub(crate) fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        // A reader waits for changes, which never come if another file is at the path, or the log was cut.
        self.check_presence()?;
        if !self.in_transaction() {
            self.check_log()?;
        }
        let (changes, gap) = match query.after {
            Some(after) => self.changes_after(after, query.limit)?,
            None => (Vec::new(), None),
        };
        // A reader gets the changes before a gap first.
        let gap = gap.filter(|_| changes.is_empty());
        // After the changes: what is removed in between is noticed.
        self.prepare(
            "SELECT (SELECT min(position) FROM changes), (SELECT max(position) FROM changes)",
        )
        .and_then(|mut select| {
            select.query_row([], |row| {
                let ends = row.get::<_, Option<i64>>(0)?.zip(row.get(1)?);
                Ok(FeedPage {
                    changes,
                    kept_after: ends
                        .map_or(0, |(oldest, _)| row::restored(oldest - 1))
                        .max(gap.unwrap_or(0)),
                    newest: ends.map_or(0, |(_, newest)| row::restored(newest)),
                })
            })
        })
        .map_err(|error| self.failed("feed", &error))
    }

    /// The changes after a position, up to the first damaged one, and the position of that.
    fn changes_after(&self, after: u64, limit: u32) -> Result<(Vec<FedChange>, Option<u64>)> {
        let failed = |error: rusqlite::Error| self.failed("feed", &error);
        let mut select = self
            .prepare(
                "SELECT position, kind, key, first_event, last_event, \
                 first_event IS NOT NULL AND EXISTS (SELECT 1 FROM changes AS later \
                 WHERE later.ends_history IS NOT NULL AND later.key = changes.key \
                 AND later.position > changes.position) \
                 FROM changes WHERE position > ? ORDER BY position LIMIT ?",
            )
            .map_err(failed)?;
        // A greater number is no position of this feed, which the reader finds out.
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let mut rows = select.query((after, limit)).map_err(failed)?;
        let mut changes = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let position = row.get(0).map(row::restored).map_err(failed)?;
            match read_change(row, position) {
                Some(change) => changes.push(change),
                None => return Ok((changes, Some(position))),
            }
        }
        Ok((changes, None))
    }

    /// The damaged changes. `mend` makes the last of them a gap, and removes those before it, which no reader
    /// can go on from.
    ///
    /// # Errors
    /// Those of the store. `mend` requires a transaction.
    pub(crate) fn check_feed(&self, mend: bool) -> Result<Vec<Problem>> {
        self.damaged_changes(mend)
            .map_err(|error| self.failed("check", &error))
    }

    fn damaged_changes(&self, mend: bool) -> rusqlite::Result<Vec<Problem>> {
        let (mut impossible, mut damaged) = (Vec::new(), Vec::new());
        let mut select = self.prepare(
            "SELECT position, kind, key, first_event, last_event, 0 FROM changes ORDER BY position",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let position: i64 = row.get(0)?;
            if !POSITIONS.contains(&position) {
                impossible.push(position);
            } else if read_change(row, row::restored(position)).is_none()
                && row::any_text(row, 1) != GAP
            {
                damaged.push(position);
            }
        }
        let mut last = damaged.last().copied();
        if mend && !impossible.is_empty() {
            let mut delete = self.prepare("DELETE FROM changes WHERE position = ?")?;
            for position in &impossible {
                delete.execute([position])?;
            }
            // Nobody knows where they were.
            last = self
                .prepare("SELECT max(position) FROM changes")?
                .query_row([], |row| row.get(0))?;
        }
        if let (true, Some(last)) = (mend, last) {
            self.prepare("DELETE FROM changes WHERE position < ?")?
                .execute([last])?;
            self.prepare(
                "UPDATE changes SET kind = ?, key = '', first_event = NULL, last_event = NULL, \
                 ends_history = NULL WHERE position = ?",
            )?
            .execute((GAP, last))?;
        }
        let problem = |position| Problem {
            id: "feed".to_owned(),
            problem: format!(
                "the change at position {position} cannot be read, and a watch that comes to it ends"
            ),
        };
        Ok(impossible.into_iter().chain(damaged).map(problem).collect())
    }
}

/// The change of a row; `None` if it is damaged.
fn read_change(row: &rusqlite::Row<'_>, position: u64) -> Option<FedChange> {
    let kind: String = row.get(1).ok()?;
    let are_gone: bool = row.get(5).ok()?;
    let events = match (row.get(3).ok()?, row.get(4).ok()?) {
        (None, None) => None,
        (Some(first), Some(last)) => Some(EventRange {
            first: row::restored(first),
            last: row::restored(last),
        }),
        _ => return None,
    };
    Some(FedChange {
        position,
        kind: ChangeKind::parse(&kind)?,
        key: row.get(2).ok()?,
        events: events.filter(|_| !are_gone),
    })
}

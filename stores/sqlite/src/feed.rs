//! The feed of a database: the table `changes`. A commit adds its changes in its own transaction, so that
//! positions are in the order of the commits, and removes the oldest ones now and then.

use rusqlite::OptionalExtension;
use tenure_core::error::Cause;
use tenure_core::store::Changes;
use tenure_core::store::feed::{ChangeKind, EventRange, FedChange, FeedPage, FeedQuery};
use tenure_core::{Error, Result};

use crate::database::Database;
use crate::row;

/// Every so many changes the oldest ones are removed.
const BETWEEN_REMOVALS: i64 = 64;

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
        // A reader waits for changes, which never come if another file is at the path.
        self.check_presence()?;
        let changes = match query.after {
            Some(after) => self.changes_after(after, query.limit)?,
            None => Vec::new(),
        };
        // After the changes: what is removed in between is noticed.
        self.prepare(
            "SELECT (SELECT min(position) FROM changes), (SELECT max(position) FROM changes)",
        )
        .and_then(|mut select| {
            select.query_row([], |row| {
                let ends = row.get::<_, Option<i64>>(0)?.zip(row.get(1)?);
                Ok(FeedPage {
                    changes,
                    kept_after: ends.map_or(0, |(oldest, _)| row::restored(oldest - 1)),
                    newest: ends.map_or(0, |(_, newest)| row::restored(newest)),
                })
            })
        })
        .map_err(|error| self.failed("feed", &error))
    }

    fn changes_after(&self, after: u64, limit: u32) -> Result<Vec<FedChange>> {
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
            let (change, kind) = read_change(row).map_err(failed)?;
            let kind = ChangeKind::parse(&kind)
                .ok_or_else(|| self.damaged_feed(&format!("there is no kind {kind:?}")))?;
            changes.push(FedChange { kind, ..change });
        }
        Ok(changes)
    }

    fn damaged_feed(&self, problem: &str) -> Error {
        Cause::StoreFailed {
            method: "feed".to_owned(),
            problem: format!("{}: the feed is damaged: {problem}", self.path().display()),
        }
        .into()
    }
}

/// A change, and its kind as text.
fn read_change(row: &rusqlite::Row<'_>) -> rusqlite::Result<(FedChange, String)> {
    let events = row.get::<_, Option<i64>>(3)?.zip(row.get(4)?);
    let are_gone: bool = row.get(5)?;
    let change = FedChange {
        position: row::restored(row.get(0)?),
        kind: ChangeKind::default(),
        key: row.get(2)?,
        events: events
            .filter(|_| !are_gone)
            .map(|(first, last)| EventRange {
                first: row::restored(first),
                last: row::restored(last),
            }),
    };
    Ok((change, row.get(1)?))
}

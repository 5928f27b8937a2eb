//! The reads of the store. Each is consistent: a single statement, or several while the first one
//! is still open and holds SQLite's snapshot.

use rusqlite::params_from_iter;
use tenure_core::error::Cause;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Measured, Shared, Tally};
use tenure_core::store::{History, ListQuery, Loaded, Page, Problem, Scan};
use tenure_core::stored::head::Usage;
use tenure_core::stored::record::Record;
use tenure_core::{Error, Event, Head, Result, SessionId, Status};

use crate::counts::read_sums;
use crate::database::Database;
use crate::query::{self, Query, Source};
use crate::read_set::SessionRow;
use crate::row::{self, head_columns};
use crate::standing;

/// Why something could not be read: an error of SQLite, or a damaged row.
enum Unread {
    Failed(rusqlite::Error),
    Damaged(row::Damage),
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<row::Damage> for Unread {
    fn from(damage: row::Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// A session that was read, and the key of its row.
pub(crate) struct Found {
    pub(crate) loaded: Loaded,
    key: i64,
}

impl Found {
    /// The columns of its row that are known.
    pub(crate) fn row(&self) -> SessionRow {
        SessionRow::of(self.key, &self.loaded.head)
    }
}

impl Database {
    /// See `Store::load`.
    pub(crate) fn load(&self, id: &SessionId, history: History) -> Result<Option<Found>> {
        self.try_load(id, history).map_err(|unread| match unread {
            Unread::Failed(error) => self.failed("load", &error),
            Unread::Damaged(damage) => Cause::CorruptSession {
                id: id.to_string(),
                problem: self.place(&damage),
            }
            .into(),
        })
    }

    fn try_load(&self, id: &SessionId, history: History) -> Result<Option<Found>, Unread> {
        let mut find = self.prepare(concat!(
            "SELECT ",
            head_columns!(),
            ", key FROM sessions WHERE id = ?"
        ))?;
        let mut rows = find.query([id.as_str()])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let head = row::read_head(row)?;
        // An index that is damaged leads to the row of another session.
        if head.id != *id {
            return Err(Unread::Damaged(format!(
                "its id is {:?} in its row",
                head.id.as_str()
            )));
        }
        let key = row.get(row::KEY)?;
        let events = match history.range(head.event_count) {
            None => Vec::new(),
            Some((first, last)) => self.events(key, first, last, history.max_bytes())?,
        };
        let loaded = Loaded { head, events };
        Ok(Some(Found { loaded, key }))
    }

    /// The events of a range, up to the one with which their data exceeds `max_bytes`.
    fn events(
        &self,
        key: i64,
        first: u64,
        last: u64,
        max_bytes: u64,
    ) -> Result<Vec<Event>, Unread> {
        let (Some(from), Some(to)) = (event_key(key, first), event_key(key, last)) else {
            return Err(Unread::Damaged(format!("it cannot have {last} events")));
        };
        let mut find = self.prepare(
            "SELECT sequence, timestamp, type, data FROM events \
             WHERE key BETWEEN ? AND ? ORDER BY key",
        )?;
        let mut rows = find.query([from, to])?;
        let mut events = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let event = row::read_event(row)?;
            if event.sequence != first + events.len() as u64 {
                return Err(Unread::Damaged(format!(
                    "event {} is missing",
                    first + events.len() as u64
                )));
            }
            bytes += event.user_bytes();
            events.push(event);
            if bytes > max_bytes {
                return Ok(events);
            }
        }
        if first + events.len() as u64 <= last {
            return Err(Unread::Damaged(format!(
                "event {} is missing",
                first + events.len() as u64
            )));
        }
        Ok(events)
    }

    /// See `Store::list`. `seen` is called for each head of the page, with the key of its row.
    pub(crate) fn list(&self, query: &ListQuery, mut seen: impl FnMut(i64, &Head)) -> Result<Page> {
        self.read_matches(&query.filter, Some(query.order.by), "list", |source| {
            self.list_from(query, source, &mut seen)
        })
    }

    fn list_from(
        &self,
        query: &ListQuery,
        source: Source<'_>,
        seen: &mut impl FnMut(i64, &Head),
    ) -> rusqlite::Result<Page> {
        // One row more than the limit shows whether more follow. Unreadable rows take the place of
        // readable ones, so the query may have to be repeated with a larger limit.
        let mut rows = u64::from(query.limit) + 1;
        loop {
            let (page, read) = self.page(query, source, rows, seen)?;
            if page.more || page.problems.is_empty() || read < rows {
                return Ok(page);
            }
            rows = rows.saturating_mul(2);
        }
    }

    fn page(
        &self,
        query: &ListQuery,
        source: Source<'_>,
        limit: u64,
        seen: &mut impl FnMut(i64, &Head),
    ) -> rusqlite::Result<(Page, u64)> {
        let Query { sql, parameters } = query::list(query, source, limit);
        let mut find = self.prepare(&sql)?;
        let mut rows = find.query(params_from_iter(parameters))?;
        let (mut page, mut read, mut bytes) = (Page::default(), 0, 0);
        while let Some(row) = rows.next()? {
            read += 1;
            let full = page.heads.len() >= query.limit as usize || bytes > query.max_bytes;
            match row::read_head(row) {
                Ok(_) if full => {
                    page.more = true;
                    break;
                }
                Ok(head) => {
                    bytes += head.user_bytes();
                    seen(row.get(row::KEY)?, &head);
                    page.heads.push(head);
                }
                Err(damage) => page.problems.push(Problem {
                    id: row::any_text(row, 0),
                    problem: self.place(&damage),
                }),
            }
        }
        Ok((page, read))
    }

    /// See `Store::record`.
    pub(crate) fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let read = || {
            let mut find = self.prepare(
                "SELECT kind, key, version, expires_at, owner, body FROM records \
                 WHERE kind = ? AND key = ?",
            )?;
            let mut rows = find.query([kind, key])?;
            let record = rows.next()?.map(row::read_record).transpose()?;
            Ok(record)
        };
        read().map_err(|unread| self.unread_record("record", unread))
    }

    /// See `Store::scan`.
    pub(crate) fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let read = || {
            // No key precedes the empty key.
            let mut find = self.prepare(match scan.after {
                Some(_) => {
                    "SELECT kind, key, version, expires_at, owner, body FROM records \
                     WHERE kind = ? AND key > ? ORDER BY key LIMIT ?"
                }
                None => {
                    "SELECT kind, key, version, expires_at, owner, body FROM records \
                     WHERE kind = ? AND key >= ? ORDER BY key LIMIT ?"
                }
            })?;
            let after = scan.after.as_deref().unwrap_or_default();
            let mut rows = find.query((&scan.kind, after, scan.limit))?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                records.push(row::read_record(row)?);
            }
            Ok(records)
        };
        read().map_err(|unread| self.unread_record("scan", unread))
    }

    /// See `Store::tally`.
    pub(crate) fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Tally> {
        match (aggregate, filter.user_and_mode()) {
            (Aggregate::Counts { users }, Some((user_id, mode))) => self
                .kept_counts(user_id, mode, users)
                .map_err(|error| self.failed("tally", &error)),
            (Aggregate::Counts { .. }, None) => {
                self.read_matches(filter, None, "tally", |source| {
                    let mut tally = Tally::new(aggregate);
                    self.count(filter, source, &mut tally)?;
                    Ok(tally.complete())
                })
            }
            (Aggregate::Values { .. }, _) => self.read_matches(filter, None, "tally", |source| {
                let mut tally = Tally::new(aggregate);
                self.collect_values(filter, source, &mut tally)?;
                Ok(tally)
            }),
        }
    }

    fn collect_values(
        &self,
        filter: &Filter,
        source: Source<'_>,
        tally: &mut Tally,
    ) -> rusqlite::Result<()> {
        let Query { sql, parameters } = query::values(filter, source);
        let mut find = self.prepare(&sql)?;
        let mut rows = find.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            let Some(status) = Status::parse(&row::any_text(row, 0)) else {
                continue;
            };
            let (mode, user_id, model) = (
                row::any_text(row, 1),
                row::optional_any_text(row, 2),
                row::optional_any_text(row, 3),
            );
            let shared = Shared {
                user_id: user_id.as_deref(),
                mode: Some(&mode),
                status: Some(status),
                model: model.as_deref(),
            };
            let (created_at, finalized_at): (i64, Option<i64>) = (row.get(8)?, row.get(9)?);
            let duration = finalized_at.map(|at| at.saturating_sub(created_at));
            tally.count_session(
                shared,
                Measured {
                    iterations: u32::try_from(row::restored(row.get(4)?)).unwrap_or(u32::MAX),
                    usage: Usage {
                        prompt_tokens: row::restored(row.get(5)?),
                        completion_tokens: row::restored(row.get(6)?),
                        cost_nanos: row::restored(row.get(7)?),
                    },
                    duration: duration.map(|millis| u64::try_from(millis).unwrap_or(0)),
                },
            );
        }
        Ok(())
    }

    fn count(
        &self,
        filter: &Filter,
        source: Source<'_>,
        tally: &mut Tally,
    ) -> rusqlite::Result<()> {
        let Query { sql, parameters } = query::tally(filter, source);
        let mut find = self.prepare(&sql)?;
        let mut rows = find.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            // A session with an unknown status is damaged. A list reports it.
            let Some(status) = Status::parse(&row::any_text(row, 0)) else {
                continue;
            };
            let sums = read_sums(row, 4)?;
            let (mode, model) = (row::any_text(row, 1), row::optional_any_text(row, 3));
            let shared = Shared {
                user_id: None,
                mode: Some(&mode),
                status: Some(status),
                model: model.as_deref(),
            };
            tally.add(shared, sums);
            if let Some(user_id) = row::optional_any_text(row, 2) {
                tally.add_user(&user_id, sums);
            }
        }
        Ok(())
    }

    fn unread_record(&self, method: &str, unread: Unread) -> Error {
        match unread {
            Unread::Failed(error) => self.failed(method, &error),
            Unread::Damaged(damage) => Cause::StoreFailed {
                method: method.to_owned(),
                problem: self.place(&damage),
            }
            .into(),
        }
    }

    fn place(&self, damage: &str) -> String {
        format!("{damage} (in {})", self.path().display())
    }
}

/// The key of an event: the key of its session, shifted by 32 bits, plus the sequence number.
/// `None` if the number has more than 32 bits.
pub(crate) fn event_key(session: i64, sequence: u64) -> Option<i64> {
    let sequence = u32::try_from(sequence).ok()?;
    Some((session << 32) | i64::from(sequence))
}

impl Database {
    /// The records of the kind [`STANDING`](standing::STANDING), for a transaction; the first ones if they are very many.
    pub(crate) fn standing_records(&self) -> Result<Vec<Record>> {
        let others = self.commits_of_others("record")?;
        if let Some(records) = self.standing.records_at(others) {
            return Ok(records);
        }
        let records = self.scan(&Scan {
            kind: standing::STANDING.to_owned(),
            after: None,
            limit: standing::MOST,
        })?;
        self.standing.remember(others, &records);
        Ok(records)
    }

    /// Calls `check` in a transaction, unless it has succeeded since the last commit of another connection.
    pub(crate) fn check_schema_once(&self, check: impl FnOnce() -> Result<()>) -> Result<()> {
        let others = Some(self.commits_of_others("commit")?);
        if self.standing.schema_read_at.get() != others {
            check()?;
            self.standing.schema_read_at.set(others);
        }
        Ok(())
    }

    /// A number that changes with the commits of other connections. During a transaction there are none.
    fn commits_of_others(&self, method: &str) -> Result<i64> {
        if let Some(others) = self.standing.others.get() {
            return Ok(others);
        }
        let read = || {
            self.prepare("PRAGMA data_version")?
                .query_row([], |row| row.get(0))
        };
        let others = read().map_err(|error| self.failed(method, &error))?;
        self.standing.others.set(Some(others));
        Ok(others)
    }
}

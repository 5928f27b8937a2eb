//! Writes one [`Changes`] inside a transaction that the caller has opened. All expectations are
//! checked before the first write, so a conflict leaves nothing to roll back.

use rusqlite::OptionalExtension;
use tenure_core::error::Cause;
use tenure_core::store::{Changes, Commit, Expect, RecordChange, SessionChange, SessionWrite};
use tenure_core::{Error, Event, Head, Result, SessionId, Timestamp};
use tenure_store_transaction::Rewrite;

use crate::database::Database;
use crate::read::event_key;
use crate::read_set::{IndexChange, ReadSet, SessionRow};
use crate::row::{self, head_columns};

/// The largest key of a session. The key of an event has 31 bits for it, and the key after it must
/// still be valid.
const MAX_SESSION_KEY: i64 = (1 << 31) - 2;

/// The statement that updates a head. It sets `updated_at` and the given indexed columns.
macro_rules! update_head {
    ($indexed:literal) => {
        concat!(
            "UPDATE sessions SET version = ?2, ",
            $indexed,
            "updated_at = ?8, iterations = ?9, max_iterations = ?10, event_count = ?11, \
             prompt_tokens = ?12, completion_tokens = ?13, cost_nanos = ?14, paused_at = ?15, \
             finalized_at = ?16, resume_ready = ?19, error_count = ?20, last_error_at = ?21, \
             last_error = ?22, summary = ?23, model_details = ?27, workspace = ?29, task = ?30, \
             result = ?31, error = ?32, metadata = ?33, context = ?34, approval = ?35, \
             approval_requested_at = ?36, approval_by = ?37, approval_decided_at = ?38, \
             result_data = ?39 WHERE key = ?40"
        )
    };
}

impl Database {
    /// Writes all of `changes`, or nothing if an expectation is not met. After an error some of it
    /// may be written, and the caller rolls back. Rows known from `read` are not read again, and
    /// written rows are added to it.
    pub(crate) fn apply(&self, changes: &Changes, read: &mut ReadSet) -> Result<Commit> {
        let failed = |error: rusqlite::Error| self.failed("commit", &error);
        if let Some(conflict) = self.conflict(changes, read).map_err(failed)? {
            return Ok(conflict);
        }
        let mut rows = Vec::with_capacity(changes.sessions.len());
        for change in &changes.sessions {
            rows.push(self.write_session(change, read)?);
        }
        for change in &changes.records {
            self.write_record(change).map_err(failed)?;
        }
        self.add_to_feed(changes).map_err(failed)?;
        for (change, row) in changes.sessions.iter().zip(rows) {
            match row {
                Some(row) => read.note_session(&change.id, Some(row)),
                None => read.note_removal(&change.id),
            }
        }
        for change in &changes.records {
            let version = change.record.as_ref().map(|record| record.version);
            read.note_record(&change.kind, &change.key, version);
        }
        Ok(Commit::Applied)
    }

    /// Writes values of a session in another form, or nothing at another version. After an error some of it may be
    /// written, and the caller rolls back.
    pub(crate) fn rewrite(&self, rewrite: &Rewrite, read: &mut ReadSet) -> Result<Commit> {
        let failed = |error: rusqlite::Error| self.failed("rewrite", &error);
        let row = self.session_row(&rewrite.id, read).map_err(failed)?;
        let row = match row {
            Some(row) if row.version == rewrite.version => row,
            row => {
                return Ok(Commit::SessionConflict {
                    id: rewrite.id.clone(),
                    current: row.map(|row| row.version),
                });
            }
        };
        let key = row.key;
        if let Some(head) = &rewrite.head {
            self.update_head(head, row).map_err(failed)?;
        }
        for event in &rewrite.events {
            let key = event_key(key, event.sequence).ok_or_else(|| self.cannot_number("events"))?;
            self.prepare("UPDATE events SET data = ? WHERE key = ?")
                .and_then(|mut update| update.execute((event.data.as_str(), key)))
                .map_err(failed)?;
        }
        Ok(Commit::Applied)
    }

    /// The first expectation of `changes` that is not met.
    fn conflict(&self, changes: &Changes, read: &mut ReadSet) -> rusqlite::Result<Option<Commit>> {
        for SessionChange { id, expect, .. } in &changes.sessions {
            let current = self.session_row(id, read)?.map(|row| row.version);
            if !expect.allows(current) {
                let id = id.clone();
                return Ok(Some(Commit::SessionConflict { id, current }));
            }
        }
        for change in &changes.records {
            // With this expectation the present record need not be read.
            if change.expect == Expect::Any {
                continue;
            }
            let current = self.record_version(&change.kind, &change.key, read)?;
            if !change.expect.allows(current) {
                return Ok(Some(Commit::RecordConflict {
                    record_kind: change.kind.clone(),
                    key: change.key.clone(),
                    current,
                }));
            }
        }
        Ok(None)
    }

    fn session_row<'r>(
        &self,
        id: &SessionId,
        read: &'r mut ReadSet,
    ) -> rusqlite::Result<Option<&'r SessionRow>> {
        if read.session(id).is_none() {
            let row = self
                .prepare("SELECT key, version FROM sessions WHERE id = ?")?
                .query_row([id.as_str()], |row| {
                    let version = row.get(1).map(row::restored)?;
                    Ok(SessionRow::unread(row.get(0)?, version))
                })
                .optional()?;
            read.note_session(id, row);
        }
        Ok(read.session(id).flatten())
    }

    fn record_version(
        &self,
        kind: &str,
        key: &str,
        read: &mut ReadSet,
    ) -> rusqlite::Result<Option<u64>> {
        if let Some(version) = read.record(kind, key) {
            return Ok(version);
        }
        let version = self
            .prepare("SELECT version FROM records WHERE kind = ? AND key = ?")?
            .query_row([kind, key], |row| row.get(0).map(row::restored))
            .optional()?;
        read.note_record(kind, key, version);
        Ok(version)
    }

    /// Writes a session, or removes it with its records. Returns the new row.
    fn write_session(
        &self,
        change: &SessionChange,
        read: &mut ReadSet,
    ) -> Result<Option<SessionRow>> {
        let failed = |error: rusqlite::Error| self.failed("commit", &error);
        let row = self.session_row(&change.id, read).map_err(failed)?;
        match &change.write {
            SessionWrite::Put {
                head,
                replace_history,
                events,
                ..
            } => self.put(head, row, *replace_history, events).map(Some),
            SessionWrite::Delete => {
                self.delete(&change.id, row).map_err(failed)?;
                Ok(None)
            }
        }
    }

    fn put(
        &self,
        head: &Head,
        row: Option<&SessionRow>,
        replace_history: bool,
        events: &[Event],
    ) -> Result<SessionRow> {
        let failed = |error: rusqlite::Error| self.failed("commit", &error);
        let key = match row {
            None => self.insert_head(head).map_err(failed)?,
            Some(row) => {
                self.update_head(head, row).map_err(failed)?;
                if replace_history {
                    self.delete_events(row.key).map_err(failed)?;
                }
                row.key
            }
        };
        if key > MAX_SESSION_KEY {
            return Err(self.cannot_number("sessions"));
        }
        for event in events {
            let key = event_key(key, event.sequence).ok_or_else(|| self.cannot_number("events"))?;
            self.insert_event(key, event).map_err(failed)?;
        }
        Ok(SessionRow::of(key, head))
    }

    fn insert_head(&self, head: &Head) -> rusqlite::Result<i64> {
        let mut insert = self.prepare(concat!(
            "INSERT INTO sessions (",
            head_columns!(),
            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?;
        row::bind_head(&mut insert, head)?;
        insert.raw_execute()?;
        Ok(self.last_key())
    }

    fn update_head(&self, head: &Head, row: &SessionRow) -> rusqlite::Result<()> {
        // SQLite updates every index of which a column is named, even if its value is unchanged. An
        // append updates one index this way, and a transition three.
        let mut update = self.prepare(match row.index_change(head) {
            IndexChange::None => update_head!(""),
            IndexChange::Lifecycle => update_head!("status = ?3, deleted_at = ?17, "),
            IndexChange::Any => update_head!(
                "status = ?3, deleted_at = ?17, user_id = ?4, channel_id = ?5, mode = ?6, \
                 created_at = ?7, phase = ?18, task_id = ?24, slot_phase = ?25, model = ?26, \
                 parent_id = ?28, "
            ),
        })?;
        row::bind_head(&mut update, head)?;
        update.raw_bind_parameter(40, row.key)?;
        update.raw_execute().map(drop)
    }

    fn insert_event(&self, key: i64, event: &Event) -> rusqlite::Result<()> {
        self.prepare("INSERT INTO events (key, timestamp, type, data) VALUES (?, ?, ?, ?)")?
            .execute((
                key,
                event.timestamp.as_millis(),
                &event.kind,
                event.data.as_str(),
            ))
            .map(drop)
    }

    fn delete(&self, id: &SessionId, row: Option<&SessionRow>) -> rusqlite::Result<()> {
        if let Some(row) = row {
            self.delete_events(row.key)?;
            self.prepare("DELETE FROM sessions WHERE key = ?")?
                .execute([row.key])?;
        }
        self.prepare("DELETE FROM records WHERE owner = ?")?
            .execute([id.as_str()])
            .map(drop)
    }

    fn delete_events(&self, session: i64) -> rusqlite::Result<()> {
        self.prepare("DELETE FROM events WHERE key >= ?1 << 32 AND key < (?1 + 1) << 32")?
            .execute([session])
            .map(drop)
    }

    fn write_record(&self, change: &RecordChange) -> rusqlite::Result<()> {
        self.standing.note_write(&change.kind);
        let Some(record) = &change.record else {
            return self
                .prepare("DELETE FROM records WHERE kind = ? AND key = ?")?
                .execute([&change.kind, &change.key])
                .map(drop);
        };
        self.prepare(
            "INSERT OR REPLACE INTO records (kind, key, version, expires_at, owner, body) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute((
            &change.kind,
            &change.key,
            row::stored(record.version),
            record.expires_at.map(Timestamp::as_millis),
            record.owner.as_ref().map(SessionId::as_str),
            &record.body,
        ))
        .map(drop)
    }

    fn cannot_number(&self, what: &str) -> Error {
        Cause::StorageFull {
            problem: format!(
                "{}: there are no more numbers for {what}",
                self.path().display()
            ),
        }
        .into()
    }
}

//! How one [`Changes`] is written, inside a transaction that the caller has opened. Everything
//! expected is checked before anything is written, so that a conflict leaves nothing to undo.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};
use tenure_core::store::{Changes, Commit, RecordChange, SessionChange, SessionWrite};
use tenure_core::{Error, Event, Head, Result, SessionId, Timestamp};

use crate::database::Database;
use crate::read::event_key;
use crate::row::{self, head_columns};

/// The last session that a file can number: an event's key has 31 bits for its session's, and the key
/// after it must still be one.
const MAX_SESSION_KEY: i64 = (1 << 31) - 2;

/// The statement that writes a head over the one that is there, with the indexed columns that it sets
/// besides `updated_at`.
macro_rules! update_head {
    ($indexed:literal) => {
        concat!(
            "UPDATE sessions SET version = ?2, ",
            $indexed,
            "updated_at = ?8, iterations = ?9, max_iterations = ?10, event_count = ?11, \
             prompt_tokens = ?12, completion_tokens = ?13, cost_nanos = ?14, paused_at = ?15, \
             finalized_at = ?16, resume_ready = ?19, error_count = ?20, last_error_at = ?21, \
             last_error = ?22, summary = ?23, model_details = ?27, workspace = ?29, task = ?30, \
             result = ?31, error = ?32, metadata = ?33, context = ?34 WHERE key = ?35"
        )
    };
}

/// What is there of a session that is to be changed.
struct Current {
    key: i64,
    version: u64,
    changed: Indexed,
}

/// In which indexed columns, other than `updated_at`, the head to be written differs from the one
/// that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indexed {
    /// In none, as that of an append.
    Nothing,
    /// In its status or in whether it is in the trash, as that of a step of the lifecycle.
    Standing,
    /// In whatever else.
    Anything,
}

impl Database {
    /// Writes all of `changes`, or nothing where something is not as expected. After an error, part
    /// of it may be written: the caller undoes it.
    pub(crate) fn apply(&self, changes: &Changes) -> Result<Commit> {
        let failed = |error: rusqlite::Error| self.failed("commit", &error);
        let mut found = Vec::with_capacity(changes.sessions.len());
        for change in &changes.sessions {
            let current = self.current(change).map_err(failed)?;
            let version = current.as_ref().map(|current| current.version);
            if !change.expect.allows(version) {
                return Ok(Commit::SessionConflict {
                    id: change.id.clone(),
                    current: version,
                });
            }
            found.push(current);
        }
        for change in &changes.records {
            let version = self.record_version(change).map_err(failed)?;
            if !change.expect.allows(version) {
                return Ok(Commit::RecordConflict {
                    record_kind: change.kind.clone(),
                    key: change.key.clone(),
                    current: version,
                });
            }
        }
        for (change, current) in changes.sessions.iter().zip(found) {
            match &change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                } => self.put(head, current, *replace_history, events)?,
                SessionWrite::Delete => self.delete(&change.id, current).map_err(failed)?,
            }
        }
        for change in &changes.records {
            self.write_record(change).map_err(failed)?;
        }
        Ok(Commit::Applied)
    }

    fn current(&self, change: &SessionChange) -> rusqlite::Result<Option<Current>> {
        let mut find = self.prepare(
            "SELECT key, version, status, user_id, channel_id, mode, created_at, deleted_at, \
             parent_id, phase, task_id, slot_phase, model FROM sessions WHERE id = ?",
        )?;
        find.query_row([change.id.as_str()], |row| {
            Ok(Current {
                key: row.get(0)?,
                version: row::restored(row.get(1)?),
                changed: match &change.write {
                    SessionWrite::Put { head, .. } => changed(row, head)?,
                    SessionWrite::Delete => Indexed::Anything,
                },
            })
        })
        .optional()
    }

    fn put(
        &self,
        head: &Head,
        current: Option<Current>,
        replace_history: bool,
        events: &[Event],
    ) -> Result<()> {
        let failed = |error: rusqlite::Error| self.failed("commit", &error);
        let key = match current {
            None => self.insert_head(head).map_err(failed)?,
            Some(current) => {
                self.update_head(head, &current).map_err(failed)?;
                if replace_history {
                    self.delete_events(current.key).map_err(failed)?;
                }
                current.key
            }
        };
        if key > MAX_SESSION_KEY {
            return Err(self.cannot_number("sessions"));
        }
        for event in events {
            let key = event_key(key, event.sequence).ok_or_else(|| self.cannot_number("events"))?;
            self.insert_event(key, event).map_err(failed)?;
        }
        Ok(())
    }

    fn insert_head(&self, head: &Head) -> rusqlite::Result<i64> {
        let mut insert = self.prepare(concat!(
            "INSERT INTO sessions (",
            head_columns!(),
            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?;
        row::bind_head(&mut insert, head)?;
        insert.raw_execute()?;
        Ok(self.last_key())
    }

    fn update_head(&self, head: &Head, current: &Current) -> rusqlite::Result<()> {
        // SQLite rewrites the entries of every index whose columns are named, changed or not; an
        // append names those of one, a step of the lifecycle those of three.
        let mut update = self.prepare(match current.changed {
            Indexed::Nothing => update_head!(""),
            Indexed::Standing => update_head!("status = ?3, deleted_at = ?17, "),
            Indexed::Anything => update_head!(
                "status = ?3, deleted_at = ?17, user_id = ?4, channel_id = ?5, mode = ?6, \
                 created_at = ?7, phase = ?18, task_id = ?24, slot_phase = ?25, model = ?26, \
                 parent_id = ?28, "
            ),
        })?;
        row::bind_head(&mut update, head)?;
        update.raw_bind_parameter(35, current.key)?;
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

    fn delete(&self, id: &SessionId, current: Option<Current>) -> rusqlite::Result<()> {
        if let Some(current) = current {
            self.delete_events(current.key)?;
            self.prepare("DELETE FROM sessions WHERE key = ?")?
                .execute([current.key])?;
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

    fn record_version(&self, change: &RecordChange) -> rusqlite::Result<Option<u64>> {
        self.prepare("SELECT version FROM records WHERE kind = ? AND key = ?")?
            .query_row([&change.kind, &change.key], |row| {
                row.get(0).map(row::restored)
            })
            .optional()
    }

    fn write_record(&self, change: &RecordChange) -> rusqlite::Result<()> {
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
        Error::StorageFull {
            problem: format!(
                "{}: the numbers for {what} are used up",
                self.path().display()
            ),
        }
    }
}

/// In which of the columns 2 to 12 of the statement in `current` a row differs from `head`.
fn changed(row: &Row<'_>, head: &Head) -> rusqlite::Result<Indexed> {
    let text = |column: usize, text: Option<&str>| -> rusqlite::Result<bool> {
        Ok(match row.get_ref(column)? {
            ValueRef::Text(stored) => text.is_some_and(|text| text.as_bytes() == stored),
            ValueRef::Null => text.is_none(),
            _ => false,
        })
    };
    let time = |column: usize, time: Option<Timestamp>| -> rusqlite::Result<bool> {
        Ok(match row.get_ref(column)? {
            ValueRef::Integer(stored) => time.is_some_and(|time| time.as_millis() == stored),
            ValueRef::Null => time.is_none(),
            _ => false,
        })
    };
    let slot = head.slot.as_ref();
    let same = text(3, head.user_id.as_deref())?
        && text(4, head.channel_id.as_deref())?
        && text(5, Some(&head.mode))?
        && time(6, Some(head.created_at))?
        && text(8, head.parent_id.as_ref().map(SessionId::as_str))?
        && text(9, head.agent.as_ref().map(|agent| agent.phase.as_str()))?
        && text(10, slot.map(|slot| &*slot.task_id))?
        && text(11, slot.map(|slot| slot.phase.as_str()))?
        && text(12, slot.map(|slot| &*slot.model))?;
    let stands = text(2, Some(head.status.as_str()))? && time(7, head.deleted_at)?;
    Ok(match (same, stands) {
        (true, true) => Indexed::Nothing,
        (true, false) => Indexed::Standing,
        (false, _) => Indexed::Anything,
    })
}

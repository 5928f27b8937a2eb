//! What a unit of work has read: sessions and records as they were, which came first, what is to be read
//! next, and what the host is to be asked.

use crate::error::{Error, Result};
use crate::store::query::{Found, Read};
use crate::store::{History, Loaded, Record};
#[cfg(feature = "outbox")]
use crate::stored::route;
use crate::value::id::SessionId;

/// What a unit of work has read so far, and what it has to read next.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) sessions: Vec<(SessionId, Seen)>,
    pub(super) records: Vec<SeenRecord>,
    pub(super) wanted: Vec<Read>,
    /// The names of the models that the host has to be asked about.
    pub(super) unanswered: Vec<String>,
    /// Whether the operation has written before. It is not run again, so the host is not asked.
    pub(super) follows_write: bool,
    /// Counts the reads, so that it is known which came first.
    pub(super) clock: u64,
    /// Records that were read a second time, and were the same.
    pub(super) confirmed: Vec<(String, String)>,
    /// A record was not the same when it was read a second time.
    pub(super) stale: bool,
    /// Whether the store has been found to have routes of webhooks.
    #[cfg(feature = "outbox")]
    pub(super) has_routes: bool,
    /// How many commits met another writer.
    pub(super) conflicts: u32,
    /// What they met it on.
    pub(super) contended: String,
    /// Sessions and records that were not as expected.
    pub(super) lost_sessions: Vec<SessionId>,
    pub(super) lost_records: Vec<(String, String)>,
}

/// A session as it was read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) at: u64,
    pub(super) history: History,
    pub(super) loaded: Result<Option<Box<Loaded>>>,
}

/// A record as it was read.
#[derive(Debug)]
pub(super) struct SeenRecord {
    pub(super) at: u64,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) record: Option<Record>,
}

impl Reads {
    pub(super) fn session(&self, id: &SessionId) -> Option<&Seen> {
        let mut sessions = self.sessions.iter();
        sessions.find(|(seen, _)| seen == id).map(|(_, seen)| seen)
    }

    pub(super) fn record(&self, kind: &str, key: &str) -> Option<&SeenRecord> {
        let mut records = self.records.iter();
        records.find(|seen| seen.key == key && seen.kind == kind)
    }

    pub(super) fn has(&self, read: &Read) -> bool {
        match read {
            Read::Session { id, history } => self.has_session(id, *history),
            Read::Record { kind, key } => self.record(kind, key).is_some(),
        }
    }

    /// Whether a session was read with this part of its history.
    pub(super) fn has_session(&self, id: &SessionId, history: History) -> bool {
        let seen = self.session(id);
        seen.is_some_and(|seen| history == History::None || seen.history == history)
    }

    /// Whether a commit that met this record has assumed that the store has no routes of webhooks.
    #[cfg(feature = "outbox")]
    pub(super) fn assumes_no_routes(&self, kind: &str, key: &str) -> bool {
        let is_routes = kind == route::KIND && key == route::KEY;
        is_routes && !self.has_routes && self.record(kind, key).is_none()
    }

    /// Notes what is to be read next.
    pub(super) fn want(&mut self, read: Read) {
        if !self.wanted.contains(&read) {
            self.wanted.push(read);
        }
    }

    /// Keeps what was found.
    ///
    /// # Errors
    /// `INTERNAL` for something else than what was to be read.
    pub(super) fn keep(&mut self, read: Read, found: Found) -> Result<()> {
        self.clock += 1;
        let at = self.clock;
        match (read, found) {
            (Read::Session { id, history }, Found::Session(loaded)) => {
                self.sessions.retain(|(seen, _)| *seen != id);
                let seen = Seen {
                    at,
                    history,
                    loaded,
                };
                self.sessions.push((id, seen));
            }
            (Read::Record { kind, key }, Found::Record(record)) => {
                let version = |record: &Record| record.version;
                let found = record.as_ref().map(version);
                match self.record(&kind, &key) {
                    Some(before) => {
                        self.stale |= before.record.as_ref().map(version) != found;
                        self.confirmed.push((kind, key));
                    }
                    None => self.records.push(SeenRecord {
                        at,
                        kind,
                        key,
                        record,
                    }),
                }
            }
            _ => return Err(Error::internal("a read was answered with something else")),
        }
        Ok(())
    }

    /// Notes that another writer was faster, and forgets what was read.
    pub(super) fn lose(&mut self, contended: String) {
        self.sessions.clear();
        self.records.clear();
        self.confirmed.clear();
        self.stale = false;
        self.conflicts += 1;
        self.contended = contended;
    }
}

//! The heads that a handle has read or written last, so that an operation on one of them need not read it. Others write to
//! the same sessions, so what is remembered may be out of date. A commit that is decided by it expects that the session is
//! still as the same commit has written it, which is stored with the session; a version would not do, since
//! a session that was removed and written again may have the same one. A commit that is refused costs two round
//! trips more than reading would have. So a session that others write to is not remembered for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenure_core::store::{
    Changes, Commit, Expect, Found, Loaded, Origin, Read, Recalled, RecordChange, SessionWrite,
};
use tenure_core::stored::lease;
use tenure_core::{Event, Head, History, Result, SessionId};
use tokio::time::Instant;

/// How many sessions are remembered.
const MOST: usize = 512;
/// How large a head may be, in bytes of user data: the memory takes a few megabytes at most.
const LARGEST: u64 = 16_384;
/// How long a head is remembered.
const FRESH: Duration = Duration::from_secs(60);
/// How long a session is not remembered after another writer was faster.
const CONTENDED: Duration = Duration::from_secs(10);
/// The kinds of the records of idempotency keys. Each key is assumed to be new: its commit expects that.
const KEYS: [&str; 2] = [
    tenure_core::session::idempotency::SESSION_SCOPE,
    tenure_core::session::idempotency::STORE_SCOPE,
];

/// The heads that a handle remembers.
#[derive(Debug, Default)]
pub(crate) struct RememberedHeads(Mutex<HashMap<SessionId, Entry>>);

#[derive(Debug)]
enum Entry {
    Known {
        head: Box<Head>,
        /// The token of the commit that has written it.
        written_by: i64,
        /// Whether no runner had a lease of the session.
        is_without_lease: bool,
        at: Instant,
    },
    /// Others write to the session.
    Contended { until: Instant },
}

impl RememberedHeads {
    /// Remembers a head that was read, with the token of the commit that has written it.
    pub(crate) fn note_head(&self, head: &Head, written_by: i64) {
        remember(&mut self.entries(), head, written_by);
    }

    /// Remembers whether there was a record that was read, if it is the lease of a runner.
    pub(crate) fn note_record(&self, kind: &str, key: &str, is_absent: bool) {
        if kind == lease::KIND {
            note_lease(&mut self.entries(), key, is_absent);
        }
    }

    /// Remembers what a commit with this token has written, and forgets what others have changed.
    pub(crate) fn note_commit(&self, changes: &Changes, token: i64, committed: &Result<Commit>) {
        let mut entries = self.entries();
        match committed {
            Ok(Commit::Applied) => {
                for change in &changes.sessions {
                    match &change.write {
                        SessionWrite::Put { head, .. } => remember(&mut entries, head, token),
                        SessionWrite::Delete => {
                            entries.remove(&change.id);
                        }
                    }
                }
                for RecordChange {
                    kind,
                    key,
                    expect,
                    record,
                } in &changes.records
                {
                    if kind == lease::KIND {
                        let is_absent = record.is_none() && *expect == Expect::Absent;
                        note_lease(&mut entries, key, is_absent);
                    }
                }
            }
            Ok(Commit::SessionConflict { id, .. }) => {
                let now = Instant::now();
                make_room(&mut entries, id, now);
                let until = now + CONTENDED;
                entries.insert(id.clone(), Entry::Contended { until });
            }
            // Of a record, or nothing is known.
            Ok(Commit::RecordConflict { .. }) | Err(_) => {
                for change in &changes.sessions {
                    entries.remove(&change.id);
                }
            }
        }
    }

    /// See `Memory::recall`.
    pub(crate) fn recall(&self, reads: &[Read]) -> Option<Recalled> {
        let entries = self.entries();
        let now = Instant::now();
        let known = |id: &SessionId| match entries.get(id)? {
            Entry::Known {
                head,
                written_by,
                is_without_lease,
                at,
            } if now.duration_since(*at) < FRESH => Some((head, *written_by, *is_without_lease)),
            Entry::Known { .. } | Entry::Contended { .. } => None,
        };
        let has_no_lease = |key: &str| {
            let known = session_of(key).and_then(|id| known(&id));
            known.is_some_and(|(_, _, is_without_lease)| is_without_lease)
        };
        let mut recalled = Recalled {
            found: Vec::with_capacity(reads.len()),
            origins: Vec::new(),
        };
        for read in reads {
            recalled.found.push(match read {
                Read::Session {
                    id,
                    history: History::None,
                } => {
                    let (head, commit, _) = known(id)?;
                    let id = id.clone();
                    recalled.origins.push(Origin { id, commit });
                    Found::Session(Ok(Some(Box::new(Loaded {
                        head: head.as_ref().clone(),
                        events: Vec::<Event>::new(),
                    }))))
                }
                Read::Record { kind, key }
                    if KEYS.contains(&kind.as_str())
                        || kind == lease::KIND && has_no_lease(key) =>
                {
                    Found::Record(None)
                }
                Read::Session { .. } | Read::Record { .. } => return None,
            });
        }
        Some(recalled)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        // Nothing that could panic is done while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers a head, unless a later one is known or others write to it.
fn remember(entries: &mut HashMap<SessionId, Entry>, head: &Head, written_by: i64) {
    let now = Instant::now();
    let is_without_lease = match entries.get(&head.id) {
        Some(Entry::Contended { until }) if now < *until => return,
        Some(Entry::Known {
            head: known, at, ..
        }) if known.version > head.version && now.duration_since(*at) < FRESH => {
            return;
        }
        Some(Entry::Known {
            is_without_lease, ..
        }) => *is_without_lease,
        Some(Entry::Contended { .. }) | None => false,
    };
    if head.user_bytes() > LARGEST {
        entries.remove(&head.id);
        return;
    }
    make_room(entries, &head.id, now);
    let entry = Entry::Known {
        head: Box::new(head.clone()),
        written_by,
        is_without_lease,
        at: now,
    };
    entries.insert(head.id.clone(), entry);
}

/// Makes room for a session.
fn make_room(entries: &mut HashMap<SessionId, Entry>, id: &SessionId, now: Instant) {
    if entries.len() < MOST || entries.contains_key(id) {
        return;
    }
    entries.retain(|_, entry| entry.is_fresh(now));
    if entries.len() >= MOST {
        // Which of them is forgotten does not matter much; the oldest half would have to be searched for.
        let mut keep = false;
        entries.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

/// Remembers whether the runner of a session has a lease.
fn note_lease(entries: &mut HashMap<SessionId, Entry>, key: &str, is_absent: bool) {
    let entry = session_of(key).and_then(|id| entries.get_mut(&id));
    if let Some(Entry::Known {
        is_without_lease, ..
    }) = entry
    {
        *is_without_lease = is_absent;
    }
}

/// The session of whose runner a lease with this key is.
fn session_of(key: &str) -> Option<SessionId> {
    let id = key.strip_prefix(lease::SESSION_PREFIX)?;
    SessionId::parse(id).ok()
}

impl Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        match self {
            Self::Known { at, .. } => now.duration_since(*at) < FRESH,
            Self::Contended { until } => now < *until,
        }
    }
}

//! A transaction: what a decision reads and writes. The decision is a plain function. What it reads and
//! is not there yet is fetched, several things in one request, and the function is called again; so it
//! must do nothing but read, decide and write. The transaction records which versions were read and
//! derives from them what the commit expects. If another writer was faster, everything is read again and
//! the function decides again. `unit` runs it.
//!
//! A session may be held by a runner that has its lease. The transaction refuses what would move a held
//! session without the fencing token of its holder. It reads the lease of the sessions that it moves, and
//! the commit expects that lease unchanged, so a lease that is lost in between is noticed.

use std::fmt;

use crate::error::{Cause, Error, Result};
use crate::store::feed::ChangeKind;
use crate::store::query::Read;
use crate::store::{
    Changes, Expect, History, Loaded, Record, RecordChange, SessionChange, SessionWrite, SyncStore,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::lease::{self, Lease};
#[cfg(feature = "outbox")]
use crate::stored::route;
use crate::value::entropy::Entropy;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;
use crate::value::limits::Limits;
use crate::value::models::Models;
use crate::value::process::Host;
use crate::value::time::Timestamp;

use super::call::Call;
use super::reads::{Reads, Seen, SeenRecord};
use super::webhook::WebhookPayload;

/// Why a decision has not come to its end.
#[derive(Debug)]
pub enum Stop {
    /// Something has to be read first; the transaction knows what.
    Read,
    /// What was read does not fit together, since another writer came in between: read it again.
    Retry,
    /// It has failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause.into())
    }
}

/// The outcome of one call of a decision.
pub type Attempt<R> = std::result::Result<R, Stop>;

/// As [`none_if_corrupt`](crate::error::none_if_corrupt), for what a transaction reads.
///
/// # Errors
/// All but `CORRUPT_SESSION`.
pub fn none_if_unreadable<T>(attempt: Attempt<Option<T>>) -> Attempt<Option<T>> {
    match attempt {
        Err(Stop::Failed(error)) if error.is_corrupt_session() => Ok(None),
        attempt => attempt,
    }
}

/// A unit of work under way.
pub struct Transaction<'c> {
    call: &'c Call,
    reads: &'c mut Reads,
    written: Written,
    /// Reads at once what is not there yet.
    store: Option<&'c dyn SyncStore>,
    /// The fencing token under which sessions are written.
    token: Option<u64>,
    /// Whether it may move sessions that a runner holds, without a token.
    overrides_holder: bool,
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("reads", &self.reads)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// What a decision has written, up to some point of it.
#[derive(Debug, Clone)]
pub struct Snapshot(Written);

/// What a decision has written.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) changes: Changes,
    /// Entries of the audit log. Where there is no room, removals are written without them.
    pub(super) entries: Vec<RecordChange>,
    pub(super) notices: Vec<WebhookPayload>,
    pub(super) best_effort: bool,
}

impl<'c> Transaction<'c> {
    /// A transaction that goes on from what was read. If a synchronous store is given, it is read at
    /// once, and the decision need not be called again.
    pub(super) fn new(
        call: &'c Call,
        reads: &'c mut Reads,
        store: Option<&'c dyn SyncStore>,
    ) -> Self {
        Self {
            call,
            reads,
            written: Written::default(),
            store,
            token: None,
            overrides_holder: false,
        }
    }

    /// Presents the fencing token of the lease under which sessions are written; with it, the session
    /// `id` is checked at once.
    ///
    /// # Errors
    /// `LEASE_LOST`, and those of the store.
    pub fn present(&mut self, token: Option<u64>, id: &SessionId) -> Attempt<()> {
        self.token = token;
        match token {
            Some(_) => self.fence(id),
            None => Ok(()),
        }
    }

    /// Lets it move sessions that a runner holds, without a token: for what is decided outside of a run.
    pub fn override_holder(&mut self) {
        self.overrides_holder = true;
    }

    /// Whether a read of several things at once saves requests.
    pub fn reads_together(&self) -> bool {
        self.store.is_none()
    }

    /// Refuses a caller that does not hold a session while a runner does. A lease that has expired is
    /// still its holder's until another has acquired it, or has gone on without one: that releases it,
    /// unless the holder's clock is ahead and the holder may well be there.
    ///
    /// # Errors
    /// `SESSION_HELD` without a token, `LEASE_LOST` with one that is not current, and those of the store.
    pub fn fence(&mut self, id: &SessionId) -> Attempt<()> {
        if self.overrides_holder && self.token.is_none() {
            return Ok(());
        }
        let key = Lease::session_key(id);
        let record = self.record(lease::KIND, &key)?;
        let lease = record.as_ref().map(Lease::read).transpose()?;
        let lease = lease.filter(|lease| !lease.released);
        match (self.token, lease) {
            (Some(token), Some(lease)) if lease.token == token => {}
            (Some(token), lease) => {
                let problem = match lease {
                    Some(lease) => format!("its token is {} now", lease.token),
                    None => "it is released".to_owned(),
                };
                return Err(Cause::LeaseLost {
                    key,
                    token,
                    problem,
                }
                .into());
            }
            (None, Some(lease)) if lease.is_held(self.now(), self.host()) => {
                return Err(lease.refusal(id).into());
            }
            (None, Some(lease)) if !lease.is_ahead(self.now()) => {
                return self.put_record(
                    Lease {
                        released: true,
                        ..lease
                    }
                    .to_record(0),
                );
            }
            (None, _) => {}
        }
        self.expect_unchanged(lease::KIND, key, record);
        Ok(())
    }

    /// Refuses a write of a session that a runner holds and whose caller does not hold it, if it needs its
    /// lease.
    ///
    /// # Errors
    /// Those of [`fence`](Self::fence).
    pub fn check_fence(&mut self, next: &Head, replaces_history: bool) -> Attempt<()> {
        match self.is_fenced(next, replaces_history) {
            true => self.fence(&next.id),
            false => Ok(()),
        }
    }

    /// Has the commit expect a record as it was read, by writing it once more as it is.
    pub(super) fn expect_unchanged(&mut self, kind: &str, key: String, record: Option<Record>) {
        if self.call.isolated || self.changed_record(kind, &key).is_some() {
            return;
        }
        self.change_record(RecordChange {
            kind: kind.to_owned(),
            key,
            expect: Expect::as_read(record.as_ref().map(|record| record.version)),
            record,
        });
    }

    /// Whether a write to a session needs the lease of its runner. Appends are open to every writer.
    fn is_fenced(&self, next: &Head, replaces_history: bool) -> bool {
        match self.reads.session(&next.id).map(|seen| &seen.loaded) {
            Some(Ok(None)) => false,
            Some(Ok(Some(loaded))) => {
                self.token.is_some()
                    || self.limits().fenced
                    || replaces_history
                    || loaded.head.moves_to(next)
            }
            Some(Err(_)) | None => true,
        }
    }

    /// Whether it may assume that the store has no routes of webhooks, as the commit then expects.
    #[cfg(feature = "outbox")]
    pub(super) fn can_assume_no_routes(&self) -> bool {
        let has_seen =
            self.reads.has_routes || self.reads.record(route::KIND, route::KEY).is_some();
        self.reads_together() && !self.call.isolated && !has_seen
    }

    /// The notices so far.
    #[cfg(feature = "outbox")]
    pub(super) fn notices(&self) -> &[WebhookPayload] {
        &self.written.notices
    }

    /// The sessions that are written so far.
    #[cfg(feature = "outbox")]
    pub(super) fn written_sessions(&self) -> &[SessionChange] {
        &self.written.changes.sessions
    }

    /// What was written.
    pub(super) fn into_written(self) -> Written {
        self.written
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.call.now
    }

    /// The call's random bits.
    pub fn entropy(&self) -> Entropy {
        self.call.entropy
    }

    /// What identifies the call's parameters.
    pub fn fingerprint(&self) -> Fingerprint {
        self.call.fingerprint
    }

    /// The process that calls, and what is known of others.
    pub fn host(&self) -> &'c dyn Host {
        &*self.call.host
    }

    /// The largest inputs that are accepted.
    pub fn limits(&self) -> &'c Limits {
        &self.call.limits
    }

    /// Whether a model is not available. A model that the host has to be asked about counts as available
    /// here, so that the decision goes on to the next one; what it decides is not written. Once the
    /// operation has written, the host is not asked, and a model without an answer is not available: an
    /// operation that writes more than once asks before the first write.
    pub fn lacks_model(&mut self, name: &str) -> bool {
        let is_available = self.limits().models.is_available(name);
        let asks = is_available.is_none() && !self.reads.follows_write;
        if asks && !self.reads.unanswered.iter().any(|known| known == name) {
            self.reads.unanswered.push(name.to_owned());
        }
        !is_available.unwrap_or(asks)
    }

    /// Whether the model of a session in a slot is not available.
    pub fn lacks_model_of(&mut self, head: &Head) -> bool {
        let slot = head.slot.as_ref();
        slot.is_some_and(|slot| self.lacks_model(&slot.model))
    }

    /// Whether the host decides which models are available.
    pub fn asks_about_models(&self) -> bool {
        matches!(self.limits().models, Models::Asked(_))
    }

    /// The number of conflicts with other writers so far.
    pub fn conflicts(&self) -> u32 {
        self.reads.conflicts
    }

    /// Reads all of these that are not read yet, in one request.
    ///
    /// # Errors
    /// [`Stop::Read`].
    pub fn read_all(&mut self, reads: impl IntoIterator<Item = Read>) -> Attempt<()> {
        for read in reads {
            if !self.reads.has(&read) {
                match self.fetch(read) {
                    // With those that follow.
                    Err(Stop::Read) => {}
                    fetched => fetched?,
                }
            }
        }
        match self.reads.wanted.is_empty() {
            true => Ok(()),
            false => Err(Stop::Read),
        }
    }

    /// Reads something, or something again.
    fn fetch(&mut self, read: Read) -> Attempt<()> {
        let Some(store) = self.store else {
            self.reads.want(read);
            return Err(Stop::Read);
        };
        let found = store.read_one(&read)?;
        self.reads.keep(read, found)?;
        match self.reads.stale {
            true => Err(Stop::Retry),
            false => Ok(()),
        }
    }

    /// A session's head, as the transaction has it; nothing where there is none.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`, and [`Stop::Read`].
    pub fn head(&mut self, id: &SessionId) -> Attempt<Option<Head>> {
        if let Some(change) = self.changed(id) {
            return Ok(match &change.write {
                SessionWrite::Put { head, .. } => Some(head.as_ref().clone()),
                SessionWrite::Delete => None,
            });
        }
        let loaded = self.loaded(id, History::None)?;
        Ok(loaded.map(|loaded| loaded.head.clone()))
    }

    /// A session as it is in the store, with a part of its history; nothing where there is none.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`, and [`Stop::Read`].
    pub fn loaded(&mut self, id: &SessionId, history: History) -> Attempt<Option<&Loaded>> {
        if !self.reads.has_session(id, history) {
            self.fetch(Read::Session {
                id: id.clone(),
                history,
            })?;
        }
        match self.reads.session(id).map(|seen| &seen.loaded) {
            Some(Ok(loaded)) => Ok(loaded.as_deref()),
            Some(Err(error)) => Err(error.clone().into()),
            None => Err(Stop::Read),
        }
    }

    /// A session's head, read after everything that was read so far, unless no other writer can have
    /// changed it.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`, and [`Stop::Read`].
    pub fn head_again(&mut self, id: &SessionId) -> Attempt<Option<Head>> {
        if self.call.isolated {
            return self.head(id);
        }
        // Of another history than the one that was read, though it has no event either.
        let loaded = self.loaded(id, History::Last { count: 0 })?;
        Ok(loaded.map(|loaded| loaded.head.clone()))
    }

    /// The head of a session that a record names, read after the record: what the record says of it
    /// may be newer than what was read of it before.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`, and [`Stop::Read`].
    pub fn head_named_by(
        &mut self,
        kind: &str,
        key: &str,
        id: &SessionId,
    ) -> Attempt<Option<Head>> {
        let record = self.reads.record(kind, key).map_or(0, |seen| seen.at);
        let is_older = self.reads.session(id).is_some_and(|seen| seen.at < record);
        if is_older && !self.call.isolated && self.changed(id).is_none() {
            self.fetch(Read::Session {
                id: id.clone(),
                history: History::None,
            })?;
        }
        self.head(id)
    }

    /// As [`loaded`](Self::loaded), but takes it out: a history may be large.
    ///
    /// # Errors
    /// Those of [`loaded`](Self::loaded).
    pub fn take_loaded(&mut self, id: &SessionId, history: History) -> Attempt<Option<Loaded>> {
        self.loaded(id, history)?;
        let place = self.reads.sessions.iter().position(|(seen, _)| seen == id);
        match place.map(|place| self.reads.sessions.swap_remove(place)) {
            Some((_, seen)) => Ok(seen.loaded?.map(|loaded| *loaded)),
            None => Err(Stop::Read),
        }
    }

    /// Takes a head that a list has just returned for read.
    pub fn assume(&mut self, head: Head) {
        if self.reads.session(&head.id).is_none() {
            let id = head.id.clone();
            let loaded = Ok(Some(Box::new(Loaded {
                head,
                events: Vec::new(),
            })));
            let seen = Seen {
                at: self.reads.clock,
                history: History::None,
                loaded,
            };
            self.reads.sessions.push((id, seen));
        }
    }

    /// Takes a record that a scan has just returned for read.
    pub fn assume_record(&mut self, record: Record) {
        if self.reads.record(&record.kind, &record.key).is_none() {
            self.reads.records.push(SeenRecord {
                at: self.reads.clock,
                kind: record.kind.clone(),
                key: record.key.clone(),
                record: Some(record),
            });
        }
    }

    /// A record, as the transaction has it; nothing where there is none.
    ///
    /// # Errors
    /// [`Stop::Read`].
    pub fn record(&mut self, kind: &str, key: &str) -> Attempt<Option<Record>> {
        if let Some(change) = self.changed_record(kind, key) {
            return Ok(change.record.clone());
        }
        self.stored_record(kind, key).map(|record| record.cloned())
    }

    /// Makes sure that a record is still as it was read, for a decision that no commit checks. If it is
    /// not, everything is read again.
    ///
    /// # Errors
    /// [`Stop::Read`].
    pub fn confirm_record(&mut self, kind: &str, key: &str) -> Attempt<()> {
        let confirmed = &self.reads.confirmed;
        let known = |(its_kind, its_key): &(String, String)| its_key == key && its_kind == kind;
        if self.call.isolated || confirmed.iter().any(known) {
            return Ok(());
        }
        self.fetch(Read::Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Whether the transaction writes or removes this record.
    pub fn writes_record(&self, kind: &str, key: &str) -> bool {
        self.changed_record(kind, key).is_some()
    }

    /// Whether a commit has found a session that was not as expected.
    pub fn has_lost(&self, id: &SessionId) -> bool {
        self.reads.lost_sessions.contains(id)
    }

    /// Whether a commit has found a record that was not as expected.
    pub fn has_lost_record(&self, kind: &str, key: &str) -> bool {
        let mut records = self.reads.lost_records.iter();
        records.any(|(its_kind, its_key)| its_key == key && its_kind == kind)
    }

    /// Writes a session that is not there.
    ///
    /// # Errors
    /// `SESSION_EXISTS`, if it is.
    pub fn insert(&mut self, head: Head, events: Vec<Event>) -> Result<()> {
        self.can_insert(&head.id)?;
        self.put_session(head, Expect::Absent, false, events);
        Ok(())
    }

    /// Checks an id before a write that must not happen unless the session can be inserted.
    ///
    /// # Errors
    /// `SESSION_EXISTS`, if there is a session with this id.
    pub fn can_insert(&self, id: &SessionId) -> Result<()> {
        if self.has_lost(id) || self.changed(id).is_some() {
            return Err(Cause::SessionExists { id: id.to_string() }.into());
        }
        Ok(())
    }

    /// Writes a session in place of what was read: the head, and events after those that are stored,
    /// or in place of them.
    ///
    /// # Errors
    /// `SESSION_HELD` and `LEASE_LOST`, `INTERNAL` for a session that was not read, and those of the
    /// store.
    pub fn write(&mut self, head: Head, events: Vec<Event>, replace_history: bool) -> Attempt<()> {
        self.check_fence(&head, replace_history)?;
        let changes = &mut self.written.changes.sessions;
        if let Some(change) = changes.iter_mut().find(|change| change.id == head.id) {
            let before = is_in_trash(self.reads, &head.id);
            let SessionWrite::Put {
                head: pending,
                change,
                replace_history: replaces,
                events: more,
            } = &mut change.write
            else {
                return Err(Error::internal("a session is written after it is removed").into());
            };
            if *change != ChangeKind::Created {
                *change = change_of(before, &head);
            }
            **pending = head;
            if replace_history {
                *replaces = true;
                more.clear();
            }
            more.extend(events);
            return Ok(());
        }
        let expect = match self.reads.session(&head.id).map(|seen| &seen.loaded) {
            Some(Ok(loaded)) => Expect::as_read(loaded.as_ref().map(|loaded| loaded.head.version)),
            // What cannot be read has no version to go by.
            Some(Err(_)) => Expect::Any,
            None => return Err(Error::internal("a session is written that was not read").into()),
        };
        self.put_session(head, expect, replace_history, events);
        Ok(())
    }

    /// Removes a session with its history and its records, whatever its version.
    ///
    /// # Errors
    /// `SESSION_HELD` and `LEASE_LOST`, and those of the store.
    pub fn delete(&mut self, id: SessionId) -> Attempt<()> {
        self.fence(&id)?;
        self.remove_session(id, Expect::Present);
        Ok(())
    }

    /// Removes a session, if it is still as it was read.
    ///
    /// # Errors
    /// `SESSION_HELD` and `LEASE_LOST`, `INTERNAL` for a session that was not read, and those of the
    /// store.
    pub fn delete_as_read(&mut self, id: SessionId) -> Attempt<()> {
        self.fence(&id)?;
        let seen = self.reads.session(&id).map(|seen| &seen.loaded);
        let Some(Ok(Some(loaded))) = seen else {
            return Err(Error::internal("a session is removed that was not read").into());
        };
        let version = loaded.head.version;
        self.remove_session(id, Expect::Version { version });
        Ok(())
    }

    /// Writes a record in place of what is there. Its version is at least the one that it names, and
    /// higher than the one that is there.
    ///
    /// # Errors
    /// [`Stop::Read`], if what is there was not read.
    pub fn put_record(&mut self, mut record: Record) -> Attempt<()> {
        let stored = self.stored_record(&record.kind, &record.key)?;
        let read = stored.map(|stored| stored.version);
        let next = read.map_or(1, |version| version.saturating_add(1));
        record.version = record.version.max(next);
        self.change_record(RecordChange::put(Expect::as_read(read), record));
        Ok(())
    }

    /// Writes a session that was not read, if what is there is as expected.
    pub fn write_expecting(
        &mut self,
        head: Head,
        events: Vec<Event>,
        replace_history: bool,
        expect: Expect,
    ) {
        self.put_session(head, expect, replace_history, events);
    }

    /// Writes a record that was not read, with the version that it names, if what is there is as
    /// expected.
    pub fn put_record_expecting(&mut self, record: Record, expect: Expect) {
        self.change_record(RecordChange::put(expect, record));
    }

    /// Removes a record, if it is still as it was read.
    ///
    /// # Errors
    /// [`Stop::Read`], if it was not read.
    pub fn remove_record(&mut self, kind: &str, key: &str) -> Attempt<()> {
        let read = self.stored_record(kind, key)?.map(|stored| stored.version);
        self.change_record(RecordChange {
            kind: kind.to_owned(),
            key: key.to_owned(),
            expect: Expect::as_read(read),
            record: None,
        });
        Ok(())
    }

    /// Removes a record, whatever it is.
    pub fn discard_record(&mut self, kind: &str, key: String) {
        self.change_record(RecordChange {
            kind: kind.to_owned(),
            key,
            expect: Expect::Any,
            record: None,
        });
    }

    /// Enters a record into the audit log, whose key is a time and a digest. Of the entries of one
    /// millisecond, those that a process makes are in the order in which it makes them.
    pub fn enter(&mut self, mut record: Record) {
        let entries = &mut self.written.entries;
        let (_, number) = self.call.entropy.nth(entries.len()).id(self.call.now);
        if let Some((time, digest)) = record.key.split_once('/') {
            record.key = format!("{time}/{number:032x}{digest}");
        }
        entries.push(RecordChange::put(Expect::Any, record));
    }

    /// Sends notices once everything is written.
    pub fn notify(&mut self, notices: impl IntoIterator<Item = WebhookPayload>) {
        self.written.notices.extend(notices);
    }

    /// Lets the operation succeed even if its changes cannot be written.
    pub fn allow_loss(&mut self) {
        self.written.best_effort = true;
    }

    /// How many sessions are written, and how much user data they have, in bytes.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self
            .written
            .changes
            .sessions
            .iter()
            .map(|change| match &change.write {
                SessionWrite::Put { head, events, .. } => {
                    let events = events.iter().map(|event| event.data.as_str().len() as u64);
                    head.user_bytes() + events.sum::<u64>()
                }
                SessionWrite::Delete => 0,
            });
        (self.written.changes.sessions.len(), bytes.sum())
    }

    /// What was written so far, to come back to.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.written.clone())
    }

    /// Comes back to a snapshot: what was written after it is dropped.
    pub fn restore(&mut self, Snapshot(written): Snapshot) {
        self.written = written;
    }

    fn stored_record(&mut self, kind: &str, key: &str) -> Attempt<Option<&Record>> {
        if self.reads.record(kind, key).is_none() {
            self.fetch(Read::Record {
                kind: kind.to_owned(),
                key: key.to_owned(),
            })?;
        }
        let seen = self.reads.record(kind, key).ok_or(Stop::Read)?;
        Ok(seen.record.as_ref())
    }

    fn changed(&self, id: &SessionId) -> Option<&SessionChange> {
        self.written
            .changes
            .sessions
            .iter()
            .find(|change| change.id == *id)
    }

    fn changed_record(&self, kind: &str, key: &str) -> Option<&RecordChange> {
        let mut records = self.written.changes.records.iter();
        records.find(|change| change.key == key && change.kind == kind)
    }

    fn put_session(
        &mut self,
        head: Head,
        expect: Expect,
        replace_history: bool,
        events: Vec<Event>,
    ) {
        let change = match expect {
            Expect::Absent => ChangeKind::Created,
            _ => change_of(is_in_trash(self.reads, &head.id), &head),
        };
        self.written.changes.sessions.push(SessionChange {
            id: head.id.clone(),
            expect,
            write: SessionWrite::Put {
                head: Box::new(head),
                change,
                replace_history,
                events,
            },
        });
    }

    fn remove_session(&mut self, id: SessionId, expect: Expect) {
        self.written
            .changes
            .sessions
            .retain(|change| change.id != id);
        self.written.changes.sessions.push(SessionChange {
            id,
            expect,
            write: SessionWrite::Delete,
        });
    }

    fn change_record(&mut self, change: RecordChange) {
        let same = |other: &RecordChange| other.key == change.key && other.kind == change.kind;
        match self
            .written
            .changes
            .records
            .iter_mut()
            .find(|other| same(other))
        {
            Some(other) => other.record = change.record,
            None => self.written.changes.records.push(change),
        }
    }
}

/// Whether a session was in the trash when it was read; `None` if it was not read, or cannot be.
fn is_in_trash(reads: &Reads, id: &SessionId) -> Option<bool> {
    match &reads.session(id)?.loaded {
        Ok(loaded) => Some(loaded.as_ref()?.head.deleted_at.is_some()),
        Err(_) => None,
    }
}

/// What it does to write `head` in place of a session that was in the trash or not.
fn change_of(was_in_trash: Option<bool>, head: &Head) -> ChangeKind {
    match (was_in_trash, head.deleted_at.is_some()) {
        (Some(false), true) => ChangeKind::Trashed,
        (Some(true), false) => ChangeKind::Restored,
        _ => ChangeKind::Updated,
    }
}

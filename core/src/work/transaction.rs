//! The unit of work: a decision over what it reads, written in one commit. The decision is a plain
//! function over a [`Transaction`]. What it reads and is not there yet is fetched, several things in
//! one request, and the function is called again; so it must do nothing but read, decide and write.
//! The transaction records which versions were read and derives from them what the commit expects. If
//! another writer was faster, everything is read again and the function decides again.

use crate::error::{Cause, Error, Result};
use crate::store::query::{Found, Read};
use crate::store::{
    Changes, Commit, Expect, History, Loaded, Record, RecordChange, SessionChange, SessionWrite,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;
use crate::value::limits::Limits;
use crate::value::process::Host;
use crate::value::time::{Millis, Timestamp};

use super::call::Call;
use super::context::Context;
use super::webhook::WebhookPayload;

/// Writers that lose to others try again this often. Each time, one of them has got through.
pub const MAX_ATTEMPTS: u32 = 256;
/// The first pause between two attempts, at most, in milliseconds; it doubles with each.
const FIRST_PAUSE: u64 = 2;
/// The longest pause between two attempts, at most, in milliseconds.
const LONGEST_PAUSE: u64 = 20;
/// Attempts without a pause between them: most conflicts are over at once.
const AT_ONCE: u32 = 2;

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

/// A unit of work under way.
#[derive(Debug)]
pub struct Transaction<'c> {
    call: &'c Call,
    reads: &'c mut Reads,
    changes: Changes,
    /// Entries of the audit log. Where there is no room, removals are written without them.
    entries: Vec<RecordChange>,
    notices: Vec<WebhookPayload>,
    best_effort: bool,
}

/// What was read so far, and what has to be read next.
#[derive(Debug, Default)]
struct Reads {
    sessions: Vec<(SessionId, Seen)>,
    records: Vec<SeenRecord>,
    wanted: Vec<Read>,
    /// Counts the reads, so that it is known which came first.
    clock: u64,
    /// Records that were read a second time, and were the same.
    confirmed: Vec<(String, String)>,
    /// A record was not the same when it was read a second time.
    stale: bool,
    /// How many commits met another writer.
    conflicts: u32,
    /// What they met it on.
    contended: String,
    /// Sessions and records that were not as expected.
    lost_sessions: Vec<SessionId>,
    lost_records: Vec<(String, String)>,
}

/// A session as it was read.
#[derive(Debug)]
struct Seen {
    at: u64,
    history: History,
    loaded: Result<Option<Loaded>>,
}

/// A record as it was read.
#[derive(Debug)]
struct SeenRecord {
    at: u64,
    kind: String,
    key: String,
    record: Option<Record>,
}

impl Reads {
    fn session(&self, id: &SessionId) -> Option<&Seen> {
        let mut sessions = self.sessions.iter();
        sessions.find(|(seen, _)| seen == id).map(|(_, seen)| seen)
    }

    fn record(&self, kind: &str, key: &str) -> Option<&SeenRecord> {
        let mut records = self.records.iter();
        records.find(|seen| seen.key == key && seen.kind == kind)
    }

    fn has(&self, read: &Read) -> bool {
        match read {
            Read::Session { id, history } => {
                let seen = self.session(id);
                seen.is_some_and(|seen| *history == History::None || seen.history == *history)
            }
            Read::Record { kind, key } => self.record(kind, key).is_some(),
        }
    }

    fn keep(&mut self, read: Read, found: Found) -> Result<()> {
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
    fn lose(&mut self, contended: String) {
        self.sessions.clear();
        self.records.clear();
        self.confirmed.clear();
        self.stale = false;
        self.conflicts += 1;
        self.contended = contended;
    }
}

impl<'c> Transaction<'c> {
    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.call.now
    }

    /// The call's random bits.
    pub fn entropy(&self) -> [u8; 16] {
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
            if !self.reads.has(&read) && !self.reads.wanted.contains(&read) {
                self.reads.wanted.push(read);
            }
        }
        match self.reads.wanted.is_empty() {
            true => Ok(()),
            false => Err(Stop::Read),
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
        self.read_all([Read::Session {
            id: id.clone(),
            history,
        }])?;
        match self.reads.session(id) {
            Some(Seen {
                loaded: Ok(loaded), ..
            }) => Ok(loaded.as_ref()),
            Some(Seen {
                loaded: Err(error), ..
            }) => Err(error.clone().into()),
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
            self.reads.wanted.push(Read::Session {
                id: id.clone(),
                history: History::None,
            });
            return Err(Stop::Read);
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
            Some((_, seen)) => Ok(seen.loaded?),
            None => Err(Stop::Read),
        }
    }

    /// Takes a head that a list has just returned for read.
    pub fn assume(&mut self, head: Head) {
        if self.reads.session(&head.id).is_none() {
            let id = head.id.clone();
            let loaded = Ok(Some(Loaded {
                head,
                events: Vec::new(),
            }));
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
        self.reads.wanted.push(Read::Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
        });
        Err(Stop::Read)
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
    /// `INTERNAL` for a session that was not read.
    pub fn write(&mut self, head: Head, events: Vec<Event>, replace_history: bool) -> Result<()> {
        let changes = &mut self.changes.sessions;
        if let Some(change) = changes.iter_mut().find(|change| change.id == head.id) {
            let SessionWrite::Put {
                head: pending,
                replace_history: replaces,
                events: more,
            } = &mut change.write
            else {
                return Err(Error::internal("a session is written after it is removed"));
            };
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
            None => return Err(Error::internal("a session is written that was not read")),
        };
        self.put_session(head, expect, replace_history, events);
        Ok(())
    }

    /// Removes a session with its history and its records, whatever its version.
    pub fn delete(&mut self, id: SessionId) {
        self.remove_session(id, Expect::Present);
    }

    /// Removes a session, if it is still as it was read.
    ///
    /// # Errors
    /// `INTERNAL` for a session that was not read.
    pub fn delete_as_read(&mut self, id: SessionId) -> Result<()> {
        let seen = self.reads.session(&id).map(|seen| &seen.loaded);
        let Some(Ok(Some(loaded))) = seen else {
            return Err(Error::internal("a session is removed that was not read"));
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

    /// Enters a record into the audit log. Its key is its own, so it meets no other.
    pub fn enter(&mut self, record: Record) {
        let known = |entry: &RecordChange| entry.key == record.key && entry.kind == record.kind;
        if !self.entries.iter().any(known) {
            self.entries.push(RecordChange::put(Expect::Any, record));
        }
    }

    /// Sends notices once everything is written.
    pub fn notify(&mut self, notices: impl IntoIterator<Item = WebhookPayload>) {
        self.notices.extend(notices);
    }

    /// Lets the operation succeed even if its changes cannot be written.
    pub fn allow_loss(&mut self) {
        self.best_effort = true;
    }

    /// How many sessions are written, and how much user data they have, in bytes.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self
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
        (self.changes.sessions.len(), bytes.sum())
    }

    /// The changes so far, to come back to.
    pub fn snapshot(&self) -> Changes {
        self.changes.clone()
    }

    /// Comes back to the changes of a snapshot.
    pub fn restore(&mut self, snapshot: Changes) {
        self.changes = snapshot;
    }

    fn stored_record(&mut self, kind: &str, key: &str) -> Attempt<Option<&Record>> {
        self.read_all([Read::Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
        }])?;
        let seen = self.reads.record(kind, key).ok_or(Stop::Read)?;
        Ok(seen.record.as_ref())
    }

    fn changed(&self, id: &SessionId) -> Option<&SessionChange> {
        self.changes.sessions.iter().find(|change| change.id == *id)
    }

    fn changed_record(&self, kind: &str, key: &str) -> Option<&RecordChange> {
        let mut records = self.changes.records.iter();
        records.find(|change| change.key == key && change.kind == kind)
    }

    fn put_session(
        &mut self,
        head: Head,
        expect: Expect,
        replace_history: bool,
        events: Vec<Event>,
    ) {
        self.changes.sessions.push(SessionChange {
            id: head.id.clone(),
            expect,
            write: SessionWrite::Put {
                head: Box::new(head),
                replace_history,
                events,
            },
        });
    }

    fn remove_session(&mut self, id: SessionId, expect: Expect) {
        self.changes.sessions.retain(|change| change.id != id);
        self.changes.sessions.push(SessionChange {
            id,
            expect,
            write: SessionWrite::Delete,
        });
    }

    fn change_record(&mut self, change: RecordChange) {
        let same = |other: &RecordChange| other.key == change.key && other.kind == change.kind;
        match self.changes.records.iter_mut().find(|other| same(other)) {
            Some(other) => other.record = change.record,
            None => self.changes.records.push(change),
        }
    }
}

impl Context {
    /// Runs a unit of work until it is committed: `decide` reads, decides and writes; it is called
    /// again when it needed something that was not read yet, and when another writer was faster.
    ///
    /// # Errors
    /// What `decide` fails with, `STORE_BUSY`, and those of the store.
    pub async fn transact<R: Send>(
        &self,
        mut decide: impl FnMut(&mut Transaction<'_>) -> Attempt<R> + Send,
    ) -> Result<R> {
        let mut result = None;
        let mut run = |transaction: &mut Transaction<'_>| {
            result = Some(decide(transaction)?);
            Ok(())
        };
        run_to_end(self, &mut run).await?;
        result.ok_or_else(|| Error::internal("a unit of work has no result"))
    }

    /// Runs a unit of work once: `None` if another writer was faster, and nothing was written.
    ///
    /// # Errors
    /// What `decide` fails with, and those of the store.
    pub async fn try_transact<R: Send>(
        &self,
        mut decide: impl FnMut(&mut Transaction<'_>) -> Attempt<R> + Send,
    ) -> Result<Option<R>> {
        let mut result = None;
        let mut run = |transaction: &mut Transaction<'_>| {
            result = Some(decide(transaction)?);
            Ok(())
        };
        let committed = run_once(self, &mut run).await?;
        Ok(result.filter(|_| committed))
    }
}

/// The outcome of one commit.
enum Committed {
    Applied,
    Conflict,
}

/// Runs a unit of work until it is committed.
async fn run_to_end(
    context: &Context,
    decide: &mut (dyn FnMut(&mut Transaction<'_>) -> Attempt<()> + Send),
) -> Result<()> {
    let mut reads = Reads::default();
    loop {
        match attempt(context, &mut reads, decide).await? {
            Committed::Applied => return Ok(()),
            Committed::Conflict if reads.conflicts < MAX_ATTEMPTS => {
                let pause = pause(context.call(), reads.conflicts);
                if pause > 0 {
                    context.sleep(Millis(pause)).await?;
                }
            }
            Committed::Conflict => {
                return Err(Cause::StoreBusy {
                    what: reads.contended,
                    attempts: MAX_ATTEMPTS,
                }
                .into());
            }
        }
    }
}

/// Runs a unit of work once: `false` if another writer was faster, and nothing was written.
async fn run_once(
    context: &Context,
    decide: &mut (dyn FnMut(&mut Transaction<'_>) -> Attempt<()> + Send),
) -> Result<bool> {
    let committed = attempt(context, &mut Reads::default(), decide).await?;
    Ok(matches!(committed, Committed::Applied))
}

async fn attempt(
    context: &Context,
    reads: &mut Reads,
    decide: &mut (dyn FnMut(&mut Transaction<'_>) -> Attempt<()> + Send),
) -> Result<Committed> {
    loop {
        let mut transaction = Transaction {
            call: context.call(),
            reads,
            changes: Changes::default(),
            entries: Vec::new(),
            notices: Vec::new(),
            best_effort: false,
        };
        match decide(&mut transaction) {
            Ok(()) => {
                let Transaction {
                    changes,
                    entries,
                    notices,
                    best_effort,
                    ..
                } = transaction;
                let committed = match commit(context, changes, entries, reads).await {
                    Err(_) | Ok(Committed::Conflict) if best_effort => Committed::Applied,
                    committed => committed?,
                };
                if let Committed::Applied = committed {
                    context.notify(notices);
                }
                return Ok(committed);
            }
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Retry) => {
                reads.lose("what was read".to_owned());
                return Ok(Committed::Conflict);
            }
            Err(Stop::Read) => {
                let wanted = std::mem::take(&mut reads.wanted);
                if wanted.is_empty() {
                    return Err(Error::internal("a unit of work waits for nothing"));
                }
                let found = context.read(wanted.clone()).await?;
                for (read, found) in wanted.into_iter().zip(found) {
                    reads.keep(read, found)?;
                }
                if reads.stale {
                    reads.lose("what was read".to_owned());
                    return Ok(Committed::Conflict);
                }
            }
        }
    }
}

/// Commits what a decision has written. Where there is no room for the entries of sessions that are
/// removed, these go without, since that is what makes room.
async fn commit(
    context: &Context,
    mut changes: Changes,
    entries: Vec<RecordChange>,
    reads: &mut Reads,
) -> Result<Committed> {
    let removes = |change: &SessionChange| matches!(change.write, SessionWrite::Delete);
    let makes_room = changes.sessions.iter().all(removes) && !changes.sessions.is_empty();
    let without_entries = (makes_room && !entries.is_empty()).then(|| changes.clone());
    changes.records.extend(entries);
    if changes.sessions.is_empty() && changes.records.is_empty() {
        return Ok(Committed::Applied);
    }
    let commit = match (context.commit(changes).await, without_entries) {
        (Err(error), Some(changes)) if matches!(error.cause(), Cause::StorageFull { .. }) => {
            context.commit(changes).await?
        }
        (commit, _) => commit?,
    };
    match commit {
        Commit::Applied => return Ok(Committed::Applied),
        Commit::SessionConflict { id, .. } => {
            reads.lose(format!("session {id}"));
            reads.lost_sessions.push(id);
        }
        Commit::RecordConflict {
            record_kind, key, ..
        } => {
            reads.lose(format!("{record_kind} {key:?}"));
            reads.lost_records.push((record_kind, key));
        }
    }
    Ok(Committed::Conflict)
}

/// How long to wait before the next attempt, in milliseconds: longer each time, and by chance, so that
/// two writers do not meet again.
fn pause(call: &Call, conflicts: u32) -> u64 {
    let Some(doublings) = conflicts.checked_sub(AT_ONCE + 1) else {
        return 0;
    };
    let most = FIRST_PAUSE
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_PAUSE);
    let mut seed = call.entropy.to_vec();
    seed.extend(conflicts.to_le_bytes());
    let chance = Fingerprint::of("pause", seed).bits() as u64;
    1 + chance % most
}

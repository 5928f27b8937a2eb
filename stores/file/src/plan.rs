//! The plan of a commit: the new contents of files and the order in which to write them, or the
//! expectation that is not met. This module writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use tenure_core::store::{Changes, Commit, Expect, RecordChange, SessionChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Error, Result, SessionId};

use crate::bucket::{Bucket, BucketEntry};
use crate::disk::Disk;
use crate::intent::{FileWrite, Target};
use crate::layout::BucketName;
use crate::session_file::{Part, SessionFile};
use crate::view::{Found, View, corrupt, owner_in};

/// The writes of a commit.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Sessions whose unreadable files are renamed first.
    pub(crate) asides: Vec<SessionId>,
    /// New pointers to owned records. They have no effect before the records exist, so they are
    /// written first.
    pub(crate) before: Vec<FileWrite>,
    /// The changes of the commit. A single file is written directly; several files need an intent.
    pub(crate) files: Vec<FileWrite>,
    /// Removals of pointers to owned records. A pointer has no effect after its record is removed,
    /// so they are written last.
    pub(crate) after: Vec<FileWrite>,
}

/// Plans a commit, or returns the conflict that prevents it.
pub(crate) fn plan<D: Disk>(view: &View<'_, D>, changes: &Changes) -> Result<Result<Plan, Commit>> {
    let mut draft = Draft {
        view,
        sessions: BTreeMap::new(),
        buckets: BTreeMap::new(),
        kinds_inside: BTreeSet::new(),
        asides: Vec::new(),
    };
    for change in &changes.sessions {
        if let Some(conflict) = draft.session_conflict(change)? {
            return Ok(Err(conflict));
        }
    }
    let mut places = Vec::with_capacity(changes.records.len());
    for change in &changes.records {
        let place = draft.place_of(change)?;
        let current = place.as_ref().map(|(_, record)| record.version);
        if !change.expect.allows(current) {
            return Ok(Err(Commit::RecordConflict {
                record_kind: change.kind.clone(),
                key: change.key.clone(),
                current,
            }));
        }
        places.push(place.map(|(place, _)| place));
    }
    for change in &changes.sessions {
        draft.write_session(change)?;
    }
    for (change, place) in changes.records.iter().zip(places) {
        draft.write_record(change, place)?;
    }
    draft.finish().map(Ok)
}

/// The place of a record.
#[derive(Debug)]
enum Place {
    Bucket,
    Session(SessionId),
}

struct Draft<'v, 'd, D> {
    view: &'v View<'d, D>,
    sessions: BTreeMap<SessionId, Session>,
    buckets: BTreeMap<BucketName, BucketDraft>,
    /// Kinds with records in sessions to which no bucket points.
    kinds_inside: BTreeSet<String>,
    asides: Vec<SessionId>,
}

struct Session {
    state: State,
    changed: bool,
}

enum State {
    Nothing,
    There(Box<SessionFile>),
    Unreadable(String),
}

#[derive(Default)]
struct BucketDraft {
    bucket: Bucket,
    /// Whether a record in the bucket has changed.
    record_changed: bool,
    pointer_added: bool,
    pointer_removed: bool,
}

impl<D: Disk> Draft<'_, '_, D> {
    fn session(&mut self, id: &SessionId) -> Result<&mut Session> {
        if !self.sessions.contains_key(id) {
            let state = match self.view.session(id, Part::All)? {
                Found::Nothing => State::Nothing,
                Found::Session(file) => State::There(file),
                Found::Unreadable(problem) => State::Unreadable(problem),
            };
            let session = Session {
                state,
                changed: false,
            };
            self.sessions.insert(id.clone(), session);
        }
        self.sessions
            .get_mut(id)
            .ok_or_else(|| Error::internal("a session that was just read is not there"))
    }

    fn bucket_draft(&mut self, name: BucketName) -> Result<&mut BucketDraft> {
        if !self.buckets.contains_key(&name) {
            let bucket_draft = BucketDraft {
                bucket: self.view.bucket(&name)?.unwrap_or_default(),
                ..BucketDraft::default()
            };
            self.buckets.insert(name.clone(), bucket_draft);
        }
        self.buckets
            .get_mut(&name)
            .ok_or_else(|| Error::internal("records that were just read are not there"))
    }

    fn session_conflict(&mut self, change: &SessionChange) -> Result<Option<Commit>> {
        let replaces = match &change.write {
            SessionWrite::Put {
                replace_history, ..
            } => *replace_history,
            SessionWrite::Delete => true,
        };
        let current = match &self.session(&change.id)?.state {
            State::Nothing => None,
            State::There(file) => Some(file.head.version),
            // The unreadable session can be replaced or removed, but its content is unknown.
            State::Unreadable(_)
                if replaces && matches!(change.expect, Expect::Any | Expect::Present) =>
            {
                return Ok(None);
            }
            State::Unreadable(problem) => return Err(corrupt(&change.id, problem.clone())),
        };
        Ok(
            (!change.expect.allows(current)).then(|| Commit::SessionConflict {
                id: change.id.clone(),
                current,
            }),
        )
    }

    /// The present place of the record of a change, and the record.
    fn place_of(&mut self, change: &RecordChange) -> Result<Option<(Place, Record)>> {
        let (kind, key) = (&change.kind, &change.key);
        let bucket_draft = self.bucket_draft(BucketName::of(kind, key))?;
        let entry = bucket_draft.bucket.entry(kind, key);
        if let Some(record) = entry.and_then(|entry| entry.record.clone()) {
            return Ok(Some((Place::Bucket, record)));
        }
        let pointed = entry.and_then(|entry| entry.session.clone());
        for owner in pointed.into_iter().chain(owner_in(key)) {
            match &self.session(&owner)?.state {
                State::Nothing => {}
                State::There(file) => {
                    if let Some(record) = file.record(kind, key) {
                        let record = record.clone();
                        return Ok(Some((Place::Session(owner), record)));
                    }
                }
                State::Unreadable(problem) => return Err(corrupt(&owner, problem.clone())),
            }
        }
        Ok(None)
    }

    fn write_session(&mut self, change: &SessionChange) -> Result<()> {
        let session = self.session(&change.id)?;
        let before = std::mem::replace(&mut session.state, State::Nothing);
        session.changed = !matches!(
            (&before, &change.write),
            (State::Nothing, SessionWrite::Delete)
        );
        match &change.write {
            SessionWrite::Put {
                head,
                replace_history,
                events,
                ..
            } => {
                let unreadable = matches!(before, State::Unreadable(_));
                let mut file = match before {
                    State::There(file) => file,
                    State::Nothing | State::Unreadable(_) => Box::new(SessionFile {
                        head: head.as_ref().clone(),
                        events: Vec::new(),
                        records: Vec::new(),
                    }),
                };
                file.head = head.as_ref().clone();
                if *replace_history {
                    file.events.clear();
                }
                file.events.extend_from_slice(events);
                session.state = State::There(file);
                if unreadable {
                    self.asides.push(change.id.clone());
                }
            }
            SessionWrite::Delete => {
                if let State::There(file) = before {
                    for record in file.records {
                        self.unpoint(&record.kind, &record.key)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn write_record(&mut self, change: &RecordChange, place: Option<Place>) -> Result<()> {
        let (kind, key) = (&change.kind, &change.key);
        match place {
            None => {}
            Some(Place::Bucket) => {
                let bucket_draft = self.bucket_draft(BucketName::of(kind, key))?;
                bucket_draft.bucket.take(kind, key);
                bucket_draft.record_changed = true;
            }
            Some(Place::Session(owner)) => {
                let session = self.session(&owner)?;
                if let State::There(file) = &mut session.state {
                    file.records
                        .retain(|record| record.kind != *kind || record.key != *key);
                    session.changed = true;
                }
            }
        }
        let Some(record) = &change.record else {
            return self.unpoint(kind, key);
        };
        if let Some(owner) = &record.owner {
            let session = self.session(owner)?;
            match &mut session.state {
                State::There(file) => {
                    file.records.push(record.clone());
                    session.changed = true;
                    return self.point(kind, key, owner);
                }
                State::Unreadable(problem) => return Err(corrupt(owner, problem.clone())),
                // If the owner does not exist, the record is stored like one without an owner.
                State::Nothing => {}
            }
        }
        let bucket_draft = self.bucket_draft(BucketName::of(kind, key))?;
        bucket_draft.bucket.take(kind, key);
        bucket_draft.bucket.records.push(BucketEntry {
            kind: kind.clone(),
            key: key.clone(),
            session: None,
            record: Some(record.clone()),
        });
        bucket_draft.record_changed = true;
        Ok(())
    }

    /// Adds a pointer to the session that holds a record, unless the key names the session.
    fn point(&mut self, kind: &str, key: &str, owner: &SessionId) -> Result<()> {
        if owner_in(key).as_ref() == Some(owner) {
            self.kinds_inside.insert(kind.to_owned());
            return self.unpoint(kind, key);
        }
        let bucket_draft = self.bucket_draft(BucketName::of(kind, key))?;
        let pointed = bucket_draft
            .bucket
            .entry(kind, key)
            .and_then(|entry| entry.session.as_ref());
        if pointed != Some(owner) {
            bucket_draft.bucket.take(kind, key);
            bucket_draft.bucket.records.push(BucketEntry {
                kind: kind.to_owned(),
                key: key.to_owned(),
                session: Some(owner.clone()),
                record: None,
            });
            bucket_draft.pointer_added = true;
        }
        Ok(())
    }

    /// Removes the pointer to a record.
    fn unpoint(&mut self, kind: &str, key: &str) -> Result<()> {
        let bucket_draft = self.bucket_draft(BucketName::of(kind, key))?;
        let is_pointer = |entry: &BucketEntry| entry.session.is_some();
        if bucket_draft.bucket.entry(kind, key).is_some_and(is_pointer) {
            bucket_draft.bucket.take(kind, key);
            bucket_draft.pointer_removed = true;
        }
        Ok(())
    }

    fn finish(self) -> Result<Plan> {
        let mut plan = Plan {
            asides: self.asides,
            ..Plan::default()
        };
        for kind in self.kinds_inside {
            let name = BucketName::inside(&kind);
            if self.view.bucket(&name)?.is_none() {
                plan.before.push(FileWrite {
                    target: Target::Records(name),
                    text: Some(text_of(&Bucket::default())?),
                });
            }
        }
        for (id, session) in self.sessions {
            if session.changed {
                let text = match session.state {
                    State::There(file) => Some(file.print()?),
                    State::Nothing | State::Unreadable(_) => None,
                };
                plan.files.push(FileWrite {
                    target: Target::Session(id),
                    text,
                });
            }
        }
        for (name, bucket_draft) in self.buckets {
            let files = match (
                bucket_draft.record_changed,
                bucket_draft.pointer_added,
                bucket_draft.pointer_removed,
            ) {
                (false, false, false) => continue,
                (false, true, false) => &mut plan.before,
                (false, false, true) => &mut plan.after,
                // Only keys with the same hash share a file and can cause several kinds of changes.
                _ => &mut plan.files,
            };
            let text = match bucket_draft.bucket.records.is_empty() {
                true => None,
                false => Some(text_of(&bucket_draft.bucket)?),
            };
            files.push(FileWrite {
                target: Target::Records(name),
                text,
            });
        }
        Ok(plan)
    }
}

fn text_of(bucket: &Bucket) -> Result<String> {
    serde_json::to_string(bucket)
        .map_err(|error| Error::internal(format!("printing records: {error}")))
}

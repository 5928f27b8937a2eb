//! How a decision gets into the store: load, let a [`Draft`] decide, commit, and decide anew when
//! another writer was faster.

use crate::audit;
use crate::audit::entry::Entry;
use crate::audit::removal::{self, By};
use crate::error::{Error, Result};
use crate::session::draft::{Draft, Finished};
use crate::session::idempotency::{Kept, Key};
use crate::session::params::Target;
use crate::session::replies::{Appended, Done};
use crate::session::view::{Session, SessionHead};
use crate::store::filter::Trash;
use crate::store::{Changes, Commit, Expect, History, Loaded, SessionChange, SessionWrite};
use crate::stored::head::Head;
use crate::value::id::SessionId;

use super::{Environment, Pending, Service, not_found};

/// Writers that lose to others try again this often. Each time, one of them has got through.
pub(super) const MAX_ATTEMPTS: u32 = 256;

/// What an operation does to a session. It may be asked again, when another writer was faster.
type Decide<'a> = Box<dyn Fn(&mut Draft<'_>) -> Result<()> + 'a>;

/// A change to one session as it was written, now or by an earlier call with the same key.
struct Changed {
    head: Head,
    first: u64,
    last: u64,
    replayed: bool,
}

impl Service<'_> {
    /// Writes a session that was not there.
    pub(super) async fn create(
        &self,
        draft: Draft<'_>,
        key: Option<Key<'_>>,
    ) -> Result<Done<Session>> {
        let Finished {
            head,
            events,
            notices,
            ..
        } = draft.finish();
        for _ in 0..MAX_ATTEMPTS {
            if let Some(key) = &key
                && let Some(kept) = self.kept(key).await?
            {
                let history = History::After {
                    sequence: kept.first.saturating_sub(1),
                    limit: u32::try_from(kept.last + 1 - kept.first).unwrap_or(u32::MAX),
                };
                match self.store.load(&kept.session, history).await? {
                    Some(Loaded { head, events }) => {
                        return Ok(Done::quiet(Session::new(head, events)));
                    }
                    // Deleted between the two reads, and its key with it.
                    None => continue,
                }
            }
            let mut changes = put(head.clone(), Expect::Absent, false, events.clone());
            if let Some(key) = &key {
                changes
                    .records
                    .push(key.keep(&head.id, 1, head.event_count));
            }
            match self.store.commit(&changes).await? {
                Commit::Applied => {
                    return Ok(Done {
                        value: Session::new(head, events),
                        notices,
                    });
                }
                // With a key, the session may be that of an earlier call: look again.
                Commit::SessionConflict { id, .. } if key.is_none() => {
                    return Err(Error::SessionExists { id: id.to_string() });
                }
                Commit::SessionConflict { id, .. } => {
                    if let Some(key) = &key
                        && self.kept(key).await?.is_none()
                    {
                        return Err(Error::SessionExists { id: id.to_string() });
                    }
                }
                Commit::RecordConflict { .. } => {}
            }
        }
        Err(busy(&head.id))
    }

    async fn kept(&self, key: &Key<'_>) -> Result<Option<Kept>> {
        let record = self.store.record(key.kind, &key.key).await?;
        record.map(|record| key.read(&record)).transpose()
    }

    pub(super) fn change_head<'a>(
        &'a self,
        env: &'a Environment,
        target: Result<Target>,
        decide: impl Fn(&mut Draft<'_>) -> Result<()> + 'a,
    ) -> Pending<'a, SessionHead> {
        self.changed_head(env, target, false, Box::new(decide))
    }

    /// As [`Service::change_head`], on a session in the trash too.
    pub(super) fn change_anywhere<'a>(
        &'a self,
        env: &'a Environment,
        target: Result<Target>,
        decide: impl Fn(&mut Draft<'_>) -> Result<()> + 'a,
    ) -> Pending<'a, SessionHead> {
        self.changed_head(env, target, true, Box::new(decide))
    }

    pub(super) fn append<'a>(
        &'a self,
        env: &'a Environment,
        target: Result<Target>,
        decide: impl Fn(&mut Draft<'_>) -> Result<()> + 'a,
    ) -> Pending<'a, Appended> {
        self.appended(env, target, Box::new(decide))
    }

    fn changed_head<'a>(
        &'a self,
        env: &'a Environment,
        target: Result<Target>,
        in_trash_too: bool,
        decide: Decide<'a>,
    ) -> Pending<'a, SessionHead> {
        Box::pin(async move {
            let done = self.change(env, target, in_trash_too, decide).await?;
            Ok(done.map(|changed| changed.head.into()))
        })
    }

    fn appended<'a>(
        &'a self,
        env: &'a Environment,
        target: Result<Target>,
        decide: Decide<'a>,
    ) -> Pending<'a, Appended> {
        Box::pin(async move {
            let known = Box::new(move |draft: &mut Draft<'_>| {
                draft.check_model()?;
                decide(draft)
            });
            let done = self.change(env, target, false, known).await?;
            Ok(done.map(|changed| Appended {
                first_sequence: changed.first,
                last_sequence: changed.last,
                status: changed.head.status,
                iterations: changed.head.iterations,
                max_iterations: changed.head.max_iterations,
                version: changed.head.version,
                updated_at: changed.head.updated_at,
                replayed: changed.replayed,
                id: changed.head.id,
            }))
        })
    }

    /// Loads a session, lets `decide` change it and commits the outcome; decides anew when another
    /// writer was faster.
    async fn change(
        &self,
        env: &Environment,
        target: Result<Target>,
        in_trash_too: bool,
        decide: Decide<'_>,
    ) -> Result<Done<Changed>> {
        let target = target?;
        let id = &target.id;
        let key = target
            .idempotency_key
            .as_deref()
            .map(|key| Key::in_session(id, key, env.fingerprint))
            .transpose()?;
        for _ in 0..MAX_ATTEMPTS {
            let before = self.head(id).await?;
            // Read after the session: a key that is not there yet has not changed it either.
            if let Some(key) = &key
                && let Some(kept) = self.kept(key).await?
            {
                return Ok(Done::quiet(Changed {
                    // The one that was loaded may be from before the call that kept the key.
                    head: self.head(id).await?,
                    first: kept.first,
                    last: kept.last,
                    replayed: true,
                }));
            }
            if before.deleted_at.is_some() && !in_trash_too {
                return Err(Error::SessionDeleted { id: id.to_string() });
            }
            if let Some(expected) = target.if_version
                && expected != before.version
            {
                return Err(Error::VersionConflict {
                    id: id.to_string(),
                    expected,
                    current: before.version,
                });
            }
            let (version, first) = (before.version, before.event_count + 1);
            let was_gone = before.deleted_at.is_some();
            let mut draft = Draft::of(before.clone(), env.now, self.limits);
            decide(&mut draft)?;
            if key.is_none() && draft.changes_nothing(&before) {
                return Ok(Done::quiet(Changed {
                    first,
                    last: before.event_count,
                    head: before,
                    replayed: false,
                }));
            }
            let Finished {
                head,
                events,
                replaces_history,
                notices,
                entries,
            } = draft.finish();
            let expect = Expect::Version { version };
            let mut changes = put(head.clone(), expect, replaces_history, events);
            changes.records.extend(entries.iter().map(Entry::to_change));
            if let Some(key) = &key {
                changes.records.push(key.keep(id, first, head.event_count));
            }
            if was_gone {
                // Back from the trash it comes back into its slot.
                changes.records.extend(self.entry(&head).await?);
            }
            if self.store.commit(&changes).await? == Commit::Applied {
                return Ok(Done {
                    value: Changed {
                        first,
                        last: head.event_count,
                        head,
                        replayed: false,
                    },
                    notices,
                });
            }
        }
        Err(busy(id))
    }

    /// What removes a session for good, if it is where it is looked for.
    pub(super) async fn deletion(
        &self,
        env: &Environment,
        id: &SessionId,
        trash: Option<Trash>,
    ) -> Result<Changes> {
        let trash = trash.unwrap_or(Trash::Include);
        let slot = match self.store.load(id, History::None).await {
            Ok(Some(Loaded { head, .. })) if trash.admits(&head) => head.slot,
            Ok(_) => return Err(not_found(id.as_str())),
            // One that cannot be read is in no place that could be excepted.
            Err(Error::CorruptSession { .. }) => None,
            Err(error) => return Err(error),
        };
        let entry = Entry::removal(removal::DELETE, id, slot.as_ref(), By::User, env.now);
        Ok(removed(id.clone(), Expect::Present, &entry))
    }

    /// Commits changes. Where there is no room for the entries of sessions that are removed for good,
    /// these go without, since that is what makes room.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn commit_making_room(&self, mut changes: Changes) -> Result<Commit> {
        let committed = self.store.commit(&changes).await;
        let removes = |change: &SessionChange| matches!(change.write, SessionWrite::Delete);
        let is_full = matches!(committed, Err(Error::StorageFull { .. }));
        if !is_full || !changes.sessions.iter().all(removes) {
            return committed;
        }
        changes
            .records
            .retain(|record| record.kind != audit::entry::KIND);
        self.store.commit(&changes).await
    }
}

/// What removes a session for good, with the entry that says so.
pub(super) fn removed(id: SessionId, expect: Expect, entry: &Entry) -> Changes {
    Changes {
        sessions: vec![SessionChange {
            id,
            expect,
            write: SessionWrite::Delete,
        }],
        records: vec![entry.to_change()],
    }
}

pub(super) fn put(
    head: Head,
    expect: Expect,
    replace_history: bool,
    events: Vec<crate::stored::event::Event>,
) -> Changes {
    Changes {
        sessions: vec![SessionChange {
            id: head.id.clone(),
            expect,
            write: SessionWrite::Put {
                head: Box::new(head),
                replace_history,
                events,
            },
        }],
        records: Vec::new(),
    }
}

pub(super) fn busy(id: &SessionId) -> Error {
    Error::StoreBusy {
        what: format!("session {id}"),
        attempts: MAX_ATTEMPTS,
    }
}

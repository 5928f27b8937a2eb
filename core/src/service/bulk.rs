//! Deeds to many sessions at once: trash, restore and delete those that are named. As many as there is
//! room for are committed together; where a commit meets another writer, its sessions are done one by
//! one, as if each had been asked for alone, so that one bad session never keeps others back.

use std::collections::BTreeSet;

use crate::audit::entry::Entry;
use crate::audit::removal::By;
use crate::error::{Error, Result};
use crate::session::draft::{Draft, Finished};
use crate::session::params::{ChangeOnly, IdParams, ManyParams};
use crate::session::replies::{BulkResult, Done, Refusal};
use crate::session::webhook::WebhookPayload;
use crate::store::{Changes, Commit, Expect, SessionWrite};
use crate::value::id::SessionId;
use crate::value::text::Text;

use super::commit::put;
use super::{Environment, MAX_PAGE_BYTES, Service};

/// Sessions that are written in one commit at most.
const MAX_TOGETHER: usize = 100;
/// Sessions that one call names at most.
const MAX_IDS: usize = 1000;

/// What is done to each of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Trash,
    Restore,
    Delete,
}

/// What is to be written of one session, and told once it is.
pub(super) struct Planned {
    /// The session.
    pub(super) id: SessionId,
    /// What is written.
    pub(super) changes: Changes,
    /// What is told.
    pub(super) notices: Vec<WebhookPayload>,
}

impl Planned {
    /// A session with the changes that a draft has come to.
    pub(super) fn of(finished: Finished, expect: Expect) -> Self {
        let id = finished.head.id.clone();
        let mut changes = put(finished.head, expect, false, finished.events);
        changes
            .records
            .extend(finished.entries.iter().map(Entry::to_change));
        Self {
            id,
            changes,
            notices: finished.notices,
        }
    }
}

/// Changes that are to be committed together.
#[derive(Default)]
pub(super) struct Batch {
    changes: Changes,
    count: usize,
    bytes: u64,
}

impl Batch {
    /// Whether nothing more goes into it.
    pub(super) fn is_full(&self) -> bool {
        self.count >= MAX_TOGETHER || self.bytes > MAX_PAGE_BYTES
    }

    /// Whether it writes this record.
    pub(super) fn writes(&self, kind: &str, key: &str) -> bool {
        let mut records = self.changes.records.iter();
        records.any(|other| other.kind == kind && other.key == key)
    }

    /// Whether it writes something that these changes write, too: nothing is written twice.
    pub(super) fn clashes(&self, more: &Changes) -> bool {
        let named = |id: &SessionId| self.changes.sessions.iter().any(|other| other.id == *id);
        more.sessions.iter().any(|change| named(&change.id))
            || more
                .records
                .iter()
                .any(|change| self.writes(&change.kind, &change.key))
    }

    /// Takes changes in.
    pub(super) fn add(&mut self, more: &Changes) {
        self.count += 1;
        for change in &more.sessions {
            if let SessionWrite::Put { head, .. } = &change.write {
                self.bytes = self.bytes.saturating_add(head.user_bytes());
            }
        }
        self.changes.sessions.extend_from_slice(&more.sessions);
        self.changes.records.extend_from_slice(&more.records);
    }
}

impl Service<'_> {
    /// Puts sessions into the trash.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for too many ids, and those of the store where nothing was done.
    pub async fn trash_many(
        &self,
        env: &Environment,
        params: ManyParams,
    ) -> Result<Done<BulkResult>> {
        self.many(env, params, Deed::Trash).await
    }

    /// Takes sessions out of the trash.
    ///
    /// # Errors
    /// Those of [`Service::trash_many`].
    pub async fn restore_many(
        &self,
        env: &Environment,
        params: ManyParams,
    ) -> Result<Done<BulkResult>> {
        self.many(env, params, Deed::Restore).await
    }

    /// Removes sessions for good, those that cannot be read among them.
    ///
    /// # Errors
    /// Those of [`Service::trash_many`].
    pub async fn delete_many(
        &self,
        env: &Environment,
        params: ManyParams,
    ) -> Result<Done<BulkResult>> {
        self.many(env, params, Deed::Delete).await
    }

    async fn many(
        &self,
        env: &Environment,
        params: ManyParams,
        deed: Deed,
    ) -> Result<Done<BulkResult>> {
        let mut told = Told::default();
        let mut waiting: Vec<Planned> = Vec::new();
        let mut batch = Batch::default();
        let ids = named(params.ids)?;
        for (at, given) in ids.iter().enumerate() {
            let id = match SessionId::parse(given) {
                Ok(id) => id,
                Err(error) => {
                    told.refuse(given, &error);
                    continue;
                }
            };
            let mut planned = self.planned(env, &id, deed).await;
            if let Ok(Some(plan)) = &planned
                && (batch.is_full() || batch.clashes(&plan.changes))
            {
                self.commit_many(env, &mut batch, &mut waiting, deed, &mut told)
                    .await;
                // What has been written may be in its way.
                planned = self.planned(env, &id, deed).await;
            }
            match planned {
                Ok(Some(plan)) => {
                    batch.add(&plan.changes);
                    waiting.push(plan);
                }
                Ok(None) => told.done.push(id),
                Err(error) => told.refuse(given, &error),
            }
            if told.failed.is_some() {
                let waiting = waiting.iter().map(|plan| plan.id.as_str());
                let rest = ids.iter().skip(at + 1).map(String::as_str);
                waiting.chain(rest).for_each(|id| told.give_up(id));
                return told.answer(&ids);
            }
        }
        self.commit_many(env, &mut batch, &mut waiting, deed, &mut told)
            .await;
        told.answer(&ids)
    }

    /// What is to be written of a session; nothing if it is already as it is to be.
    async fn planned(
        &self,
        env: &Environment,
        id: &SessionId,
        deed: Deed,
    ) -> Result<Option<Planned>> {
        if deed == Deed::Delete {
            return Ok(Some(Planned {
                id: id.clone(),
                changes: self.deletion(env, id, None).await?,
                notices: Vec::new(),
            }));
        }
        let before = self.head(id).await?;
        let mut draft = Draft::of(before.clone(), env.now, self.limits);
        if deed == Deed::Trash {
            draft.trash(Some(By::User));
        } else {
            draft.restore();
        }
        if draft.changes_nothing(&before) {
            return Ok(None);
        }
        let entry = self.entry(draft.head()).await?;
        let version = before.version;
        let mut plan = Planned::of(draft.finish(), Expect::Version { version });
        plan.changes.records.extend(entry);
        Ok(Some(plan))
    }

    /// Commits what waits: together, or else one by one.
    async fn commit_many(
        &self,
        env: &Environment,
        batch: &mut Batch,
        waiting: &mut Vec<Planned>,
        deed: Deed,
        told: &mut Told,
    ) {
        let together = self.commit_batch(batch).await;
        for plan in waiting.drain(..) {
            match &together {
                Ok(true) => told.wrote(plan.id, plan.notices),
                Ok(false) => match self.alone(env, &plan.id, deed).await {
                    Ok(done) => told.wrote(plan.id, done.notices),
                    Err(error) => told.refuse(plan.id.as_str(), &error),
                },
                Err(error) => told.refuse(plan.id.as_str(), error),
            }
        }
    }

    async fn alone(&self, env: &Environment, id: &SessionId, deed: Deed) -> Result<Done<()>> {
        let change = || ChangeOnly {
            id: Text::from(id.as_str()),
            ..ChangeOnly::default()
        };
        match deed {
            Deed::Trash => Ok(self.trash(env, change()).await?.map(|_| ())),
            Deed::Restore => Ok(self.restore(env, change()).await?.map(|_| ())),
            Deed::Delete => {
                let id = Text::from(id.as_str());
                self.delete(env, IdParams { id, trash: None }).await
            }
        }
    }

    /// Commits a batch and empties it; `false` if something is no longer as it was, and nothing was
    /// written.
    ///
    /// # Errors
    /// Those of the store, but not for a single session that cannot be read.
    pub(super) async fn commit_batch(&self, batch: &mut Batch) -> Result<bool> {
        let Batch { changes, count, .. } = std::mem::take(batch);
        if count == 0 {
            return Ok(true);
        }
        match self.commit_making_room(changes).await {
            Err(Error::CorruptSession { .. }) => Ok(false),
            other => Ok(other? == Commit::Applied),
        }
    }
}

/// What has come of a call so far.
#[derive(Default)]
struct Told {
    done: Vec<SessionId>,
    refused: Vec<Refusal>,
    notices: Vec<WebhookPayload>,
    /// Whether anything was written.
    written: bool,
    /// Why nothing more is tried.
    failed: Option<Error>,
}

impl Told {
    fn wrote(&mut self, id: SessionId, notices: Vec<WebhookPayload>) {
        self.written = true;
        self.done.push(id);
        self.notices.extend(notices);
    }

    fn refuse(&mut self, id: &str, error: &Error) {
        self.refused.push(Refusal::new(id, error));
        if self.failed.is_none() && is_of_store(error) {
            self.failed = Some(error.clone());
        }
    }

    fn give_up(&mut self, id: &str) {
        let refusal = self.failed.as_ref().map(|error| Refusal::new(id, error));
        self.refused.extend(refusal);
    }

    /// The answer, in the order of the call.
    fn answer(mut self, ids: &[String]) -> Result<Done<BulkResult>> {
        if let Some(error) = self.failed
            && !self.written
        {
            return Err(error);
        }
        let place = |id: &str| ids.iter().position(|given| given == id);
        self.done.sort_by_cached_key(|id| place(id.as_str()));
        self.refused
            .sort_by_cached_key(|refusal| place(&refusal.id));
        Ok(Done {
            value: BulkResult {
                done: self.done,
                refused: self.refused,
            },
            notices: self.notices,
        })
    }
}

/// Ids in their order, each once.
///
/// # Errors
/// `INVALID_ARGUMENT` for too many.
pub(super) fn named(ids: Vec<Text>) -> Result<Vec<String>> {
    if ids.len() > MAX_IDS {
        let problem = format!("expected {MAX_IDS} ids at most, got {}", ids.len());
        return Err(Error::invalid("ids", problem));
    }
    let mut seen = BTreeSet::new();
    let ids = ids.into_iter().map(Text::into_string);
    Ok(ids.filter(|id| seen.insert(id.clone())).collect())
}

/// Whether an error says that the store does not work, and not that something cannot be done to one
/// session.
pub(super) fn is_of_store(error: &Error) -> bool {
    matches!(
        error,
        Error::StoreUnavailable { .. }
            | Error::StorageFull { .. }
            | Error::SchemaTooNew { .. }
            | Error::StoreFailed { .. }
            | Error::StoreMisbehaved { .. }
            | Error::StoreTimeout { .. }
            | Error::OutcomeUnknown { .. }
            | Error::StoreIsAsync
            | Error::Closed
            | Error::UnsupportedStore { .. }
            | Error::Internal { .. }
    )
}

//! The operations that remove sessions by their age, a page at a time, many in one commit.

use crate::audit::entry::Entry;
use crate::audit::removal::{self, By};
use crate::error::{Error, Result};
use crate::session::draft::Draft;
use crate::session::params::{CleanupParams, PurgeParams};
use crate::session::replies::{CleanupResult, Done, Refusal};
use crate::session::retention;
use crate::session::webhook::WebhookPayload;
use crate::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use crate::store::{Commit, Expect, History, ListQuery};
use crate::stored::head::Head;
use crate::value::id::SessionId;
use crate::value::text::Text;

use super::bulk::{Batch, Planned, is_of_store, named};
use super::commit::removed;
use super::{Environment, MAX_PAGE, MAX_PAGE_BYTES, Service, page_limit};

/// What becomes of the sessions that a sweep means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They go into the trash.
    Trashed,
    /// They are given up, where they have not ended, and go into the trash.
    GivenUp,
    /// They are removed for good.
    Removed,
}

/// Which sessions a sweep means, and what becomes of them.
pub(super) struct Sweep<'a> {
    /// Where to look.
    pub(super) filter: Filter,
    /// Which of those are meant.
    pub(super) meant: &'a dyn Fn(&Head) -> bool,
    /// What becomes of them.
    pub(super) fate: Fate,
    /// What the audit log says of the reason.
    pub(super) by: By,
    /// Only find out which they are.
    pub(super) dry_run: bool,
    /// Go on where a page ended.
    pub(super) after: Option<Position>,
    /// How many at most.
    pub(super) limit: Option<u32>,
}

/// Oldest first: what is added meanwhile comes last.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};
/// Ids that a cleanup names.
const MAX_NAMED: usize = 1000;

/// A sweep under way.
#[derive(Default)]
struct Swept {
    result: CleanupResult,
    notices: Vec<WebhookPayload>,
    batch: Batch,
    waiting: Vec<Planned>,
    /// How many were taken up, whatever has come of it.
    taken: u64,
    /// Why nothing more is tried.
    failed: Option<Error>,
}

impl Swept {
    fn count(&mut self, id: SessionId) {
        self.result.removed += 1;
        if self.result.ids.len() < MAX_NAMED {
            self.result.ids.push(id);
        }
    }

    fn fail(&mut self, id: &str, error: &Error) {
        if self.result.failed.len() < MAX_NAMED {
            self.result.failed.push(Refusal::new(id, error));
        }
        if self.failed.is_none() && is_of_store(error) {
            self.failed = Some(error.clone());
        }
    }

    /// The answer; an error, if that is all that has come of it.
    fn answer(self) -> Result<Done<CleanupResult>> {
        match self.failed {
            Some(error) if self.result.removed == 0 => Err(error),
            _ => Ok(Done {
                value: self.result,
                notices: self.notices,
            }),
        }
    }
}

impl Service<'_> {
    /// Puts sessions that have reached an age into the trash, or removes them for good.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn cleanup(
        &self,
        env: &Environment,
        params: CleanupParams,
    ) -> Result<Done<CleanupResult>> {
        let filter = retention::expired(
            env.now,
            params.max_age,
            params.measure.unwrap_or_default(),
            params.status.map(|statuses| statuses.0),
        );
        let fate = match params.permanent {
            Some(true) => Fate::Removed,
            _ => Fate::Trashed,
        };
        let dry_run = params.dry_run.unwrap_or(false);
        let sweep = Sweep {
            filter,
            meant: &|_| true,
            fate,
            by: By::Cleanup,
            dry_run,
            after: None,
            limit: None,
        };
        self.sweep(env, sweep).await
    }

    /// Removes for good what has been in the trash for a time.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the ids and the limit, `INVALID_CURSOR`, and those of the store.
    pub async fn purge(
        &self,
        env: &Environment,
        params: PurgeParams,
    ) -> Result<Done<CleanupResult>> {
        let filter = Filter {
            trash: Trash::Only,
            ..Filter::default()
        };
        let old = |head: &Head| {
            head.deleted_at
                .is_some_and(|at| env.now.since(at) >= params.older_than.0)
        };
        let limit = params.limit.map(|limit| page_limit(Some(limit), limit));
        let after = params.cursor.as_ref();
        let after = after.map(|cursor| Position::from_cursor(cursor.as_str(), ORDER));
        let sweep = Sweep {
            filter,
            meant: &old,
            fate: Fate::Removed,
            by: By::Purge,
            dry_run: params.dry_run.unwrap_or(false),
            after: after.transpose()?,
            limit: limit.transpose()?,
        };
        match params.ids {
            Some(ids) => self.sweep_named(env, sweep, &named(ids)?).await,
            None => self.sweep(env, sweep).await,
        }
    }

    /// Removes the sessions that a sweep means, page by page, oldest first. One that cannot be removed
    /// is named, and the others go.
    pub(super) async fn sweep(
        &self,
        env: &Environment,
        sweep: Sweep<'_>,
    ) -> Result<Done<CleanupResult>> {
        let mut query = ListQuery {
            filter: sweep.filter.clone(),
            order: ORDER,
            after: sweep.after.clone(),
            offset: 0,
            limit: sweep
                .limit
                .map_or(MAX_PAGE, |limit| limit.clamp(1, MAX_PAGE)),
            max_bytes: MAX_PAGE_BYTES,
        };
        let mut swept = Swept::default();
        swept.result.dry_run = sweep.dry_run;
        loop {
            let page = self.store.list(&query).await?;
            let mut heads = page.heads.into_iter();
            for head in heads.by_ref() {
                query.after = Some(ORDER.position(&head));
                self.take(env, &sweep, head, &mut swept).await?;
                let full = sweep.limit.is_some_and(|limit| swept.taken >= limit.into());
                if full || swept.failed.is_some() {
                    break;
                }
            }
            let more = page.more || heads.len() > 0;
            // What is listed next is not to meet what waits.
            self.commit_swept(&mut swept).await;
            let full = sweep.limit.is_some_and(|limit| swept.taken >= limit.into());
            if full && more {
                let next = query.after.as_ref();
                swept.result.next_cursor = next.map(|after| after.to_cursor(ORDER));
            }
            if full || !more || query.after.is_none() || swept.failed.is_some() {
                return swept.answer();
            }
        }
    }

    /// Removes those of these sessions that a sweep means.
    pub(super) async fn sweep_named(
        &self,
        env: &Environment,
        sweep: Sweep<'_>,
        ids: &[String],
    ) -> Result<Done<CleanupResult>> {
        let mut swept = Swept::default();
        swept.result.dry_run = sweep.dry_run;
        for given in ids {
            let found = match SessionId::parse(given) {
                Ok(id) => self.store.load(&id, History::None).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(loaded)) if sweep.filter.matches(&loaded.head) => {
                    self.take(env, &sweep, loaded.head, &mut swept).await?;
                }
                Ok(_) => {}
                Err(error) => swept.fail(given, &error),
            }
            if swept.failed.is_some() {
                break;
            }
        }
        self.commit_swept(&mut swept).await;
        swept.answer()
    }

    /// Takes up a session, if it is meant and nobody runs it.
    async fn take(
        &self,
        env: &Environment,
        sweep: &Sweep<'_>,
        head: Head,
        swept: &mut Swept,
    ) -> Result<()> {
        if !(sweep.meant)(&head) || self.runner(env, &head.id).await?.is_some() {
            return Ok(());
        }
        swept.taken += 1;
        if sweep.dry_run {
            swept.count(head.id);
            return Ok(());
        }
        let plan = self.swept(env, sweep, head)?;
        if swept.batch.is_full() || swept.batch.clashes(&plan.changes) {
            self.commit_swept(swept).await;
        }
        swept.batch.add(&plan.changes);
        swept.waiting.push(plan);
        Ok(())
    }

    /// What is to be written of a session.
    fn swept(&self, env: &Environment, sweep: &Sweep<'_>, head: Head) -> Result<Planned> {
        let Sweep { fate, by, .. } = *sweep;
        let expect = Expect::Version {
            version: head.version,
        };
        if fate == Fate::Removed {
            let slot = head.slot.as_ref();
            let entry = Entry::removal(removal::DELETE, &head.id, slot, by, env.now);
            return Ok(Planned {
                changes: removed(head.id.clone(), expect, &entry),
                id: head.id,
                notices: Vec::new(),
            });
        }
        let idle = env.now.since(head.updated_at) / 1000;
        let mut draft = Draft::of(head, env.now, self.limits);
        if fate == Fate::GivenUp && !draft.head().status.is_finished() {
            let reason = Text::from(format!("cleaned up after {idle} s without activity"));
            draft.give_up(&reason)?;
        }
        draft.trash(Some(by));
        Ok(Planned::of(draft.finish(), expect))
    }

    /// Commits what waits: together, or else one by one. One that has changed since it was listed is
    /// in use, and stays.
    async fn commit_swept(&self, swept: &mut Swept) {
        let together = self.commit_batch(&mut swept.batch).await;
        for plan in std::mem::take(&mut swept.waiting) {
            let done = match &together {
                Ok(true) => Ok(true),
                Ok(false) => self
                    .store
                    .commit(&plan.changes)
                    .await
                    .map(|commit| commit == Commit::Applied),
                Err(error) => Err(error.clone()),
            };
            match done {
                Ok(true) => {
                    swept.notices.extend(plan.notices);
                    swept.count(plan.id);
                }
                Ok(false) => {}
                Err(error) => swept.fail(plan.id.as_str(), &error),
            }
        }
    }
}

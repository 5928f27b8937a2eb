//! The operations that remove sessions by their age, page by page and many in one commit. A session that a runner holds stays, and so does one that was changed
//! since it was listed. One that cannot be read stays, and is named.

use crate::audit::entry::Entry;
use crate::audit::removal::{self, Actor};
use crate::error::{Cause, Error, Result, none_if_corrupt};
use crate::lease::operations::{runner, runner_read};
use crate::store::Read;
use crate::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use crate::store::{Found, ListQuery, Problem};
use crate::stored::head::Head;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE, MAX_PAGE_BYTES, page_limit};
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::bulk::{MAX_TOGETHER, distinct, is_full, refuse_beside_ids};
use super::change::write;
use super::draft::Draft;
use super::params::{CleanupParams, PurgeParams};
use super::replies::{CleanupResult, Refusal};
use super::retention;

crate::operations! {
    Group::Sessions;
    /// Puts sessions that have reached an age into the trash, or deletes them. Active and paused ones
    /// stay unless `status` names them.
    CLEANUP = WriteMany "cleanup" (CleanupParams) -> CleanupResult, steps cleanup,
        r#"{"maxAge":"0s","measure":"created","status":["active","completed"],"permanent":false,"dryRun":false}"#;
    /// Deletes sessions that have been in the trash for a time, oldest first, or only reports them.
    /// Those that a runner holds stay.
    PURGE = WriteMany "purge" (PurgeParams) -> CleanupResult, steps purge,
        r#"{"olderThan":0,"ids":["s","t","gone"],"versions":[1,2,3],"limit":2,"cursor":"ca.0.a","dryRun":false}"#;
}

/// The effect of a sweep on the sessions that it selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They are put into the trash.
    Trashed,
    /// They are abandoned, unless they have ended, and put into the trash.
    Abandoned,
    /// They are deleted.
    Removed,
}

/// A sweep: the sessions that it selects, and its effect on them.
pub struct Sweep<'a> {
    /// The filter of the list.
    pub filter: Filter,
    /// The condition on the listed sessions.
    pub selects: &'a (dyn Fn(&Head) -> bool + Sync),
    /// The effect.
    pub fate: Fate,
    /// The actor in the audit log.
    pub actor: Actor,
    /// Whether to count the sessions without changing them.
    pub dry_run: bool,
    /// The cursor to continue from.
    pub after: Option<Position>,
    /// The greatest number of sessions.
    pub limit: Option<u32>,
    /// Whether the reply names the listed sessions that could not be read. Not every store can tell whether the filter selects them.
    pub names_unreadable: bool,
}

/// Oldest first: sessions that are added meanwhile come last.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};
/// The greatest number of ids in a reply.
const MAX_NAMED: usize = 1000;

async fn cleanup(context: &Context, params: CleanupParams) -> Result<CleanupResult> {
    let filter = retention::expired(
        context.call().now,
        params.max_age,
        params.measure.unwrap_or_default(),
        params.status.map(|statuses| statuses.0),
    );
    let fate = match params.permanent {
        Some(true) => Fate::Removed,
        _ => Fate::Trashed,
    };
    let plan = Sweep {
        filter,
        selects: &|_| true,
        fate,
        actor: Actor::Cleanup,
        dry_run: params.dry_run.unwrap_or(false),
        after: None,
        limit: None,
        names_unreadable: true,
    };
    sweep(context, plan).await
}

async fn purge(context: &Context, params: PurgeParams) -> Result<CleanupResult> {
    let now = context.call().now;
    let old = |head: &Head| {
        let deleted = head.deleted_at;
        deleted.is_some_and(|at| now.since(at) >= params.older_than.0)
    };
    let limit = params.limit.map(|limit| page_limit(Some(limit), limit));
    let after = params.cursor.as_ref();
    let after = after.map(|cursor| Position::from_cursor(cursor.as_str(), ORDER));
    let plan = Sweep {
        filter: Filter {
            trash: Trash::Only,
            ..Filter::default()
        },
        selects: &old,
        fate: Fate::Removed,
        actor: Actor::Purge,
        dry_run: params.dry_run.unwrap_or(false),
        after: after.transpose()?,
        limit: limit.transpose()?,
        names_unreadable: true,
    };
    match (params.ids, params.versions) {
        (Some(ids), versions) => {
            let (limit, cursor) = (plan.limit.is_some(), plan.after.is_some());
            refuse_beside_ids(&[("limit", limit), ("cursor", cursor)])?;
            let versions = Versions::of(&ids, versions)?;
            sweep_named(context, plan, &distinct(ids)?, &versions).await
        }
        (None, None) => sweep(context, plan).await,
        (None, Some(_)) => Err(Error::invalid("versions", "expected `ids` with it")),
    }
}

/// The versions that named sessions have to be at.
struct Versions(Vec<(String, u64)>);

impl Versions {
    /// The version of each id; none if they are not compared.
    fn of(ids: &[Text], versions: Option<Vec<u64>>) -> Result<Self> {
        let Some(versions) = versions else {
            return Ok(Self(Vec::new()));
        };
        if versions.len() != ids.len() {
            let problem = format!("expected {} versions, got {}", ids.len(), versions.len());
            return Err(Error::invalid("versions", problem));
        }
        let ids = ids.iter().map(Text::to_string);
        Ok(Self(ids.zip(versions).collect()))
    }

    /// Checks that a session is at its version.
    fn check(&self, head: &Head) -> Result<()> {
        let expected = self.0.iter().find(|(id, _)| id == head.id.as_str());
        match expected {
            Some(&(_, expected)) if expected != head.version => Err(Cause::VersionConflict {
                id: head.id.to_string(),
                expected,
                current: head.version,
            }
            .into()),
            _ => Ok(()),
        }
    }
}

/// Removes the sessions that a sweep selects, page by page, oldest first. The reply names those that
/// could not be removed.
///
/// # Errors
/// Those of the store, if nothing was removed.
pub async fn sweep(context: &Context, plan: Sweep<'_>) -> Result<CleanupResult> {
    let limit = plan.limit.map(u64::from);
    let mut query = ListQuery {
        filter: plan.filter.clone(),
        order: ORDER,
        after: plan.after.clone(),
        offset: 0,
        limit: plan
            .limit
            .map_or(MAX_PAGE, |limit| limit.clamp(1, MAX_PAGE)),
        max_bytes: MAX_PAGE_BYTES,
    };
    let mut swept = Swept::new(&plan);
    loop {
        let page = context.list(&query).await?;
        if plan.names_unreadable {
            swept.fail_unreadable(page.problems);
        }
        let count = page.heads.len();
        let done = swept.sweep(context, &plan, &page.heads, limit).await;
        let last = done.checked_sub(1).and_then(|last| page.heads.get(last));
        if let Some(last) = last {
            query.after = Some(ORDER.position(last));
        }
        let more = page.more || done < count;
        let full = limit.is_some_and(|limit| swept.taken >= limit);
        if full && more {
            let next = query.after.as_ref();
            swept.result.next_cursor = next.map(|after| after.to_cursor(ORDER));
        }
        if full || !more || last.is_none() || swept.failed.is_some() {
            return swept.result();
        }
    }
}

/// Removes the named sessions that a sweep selects.
async fn sweep_named(
    context: &Context,
    plan: Sweep<'_>,
    ids: &[String],
    versions: &Versions,
) -> Result<CleanupResult> {
    let mut swept = Swept::new(&plan);
    for ids in ids.chunks(MAX_TOGETHER) {
        let mut heads = Vec::new();
        let (mut reads, mut names) = (Vec::new(), Vec::new());
        for given in ids {
            match SessionId::parse(given) {
                Ok(id) => {
                    reads.push(Read::head(&id));
                    names.push(given);
                }
                Err(error) => swept.fail(given, &error),
            }
        }
        match context.read(reads).await {
            Ok(found) => {
                for (given, found) in names.into_iter().zip(found) {
                    match found {
                        Found::Session(Ok(Some(loaded))) if plan.filter.matches(&loaded.head) => {
                            match versions.check(&loaded.head) {
                                Ok(()) => heads.push(loaded.head),
                                Err(error) => swept.fail(given, &error),
                            }
                        }
                        Found::Session(Err(error)) => swept.fail(given, &error),
                        _ => {}
                    }
                }
            }
            Err(error) => names
                .into_iter()
                .for_each(|given| swept.fail(given, &error)),
        }
        swept.sweep(context, &plan, &heads, None).await;
        if swept.failed.is_some() {
            break;
        }
    }
    swept.result()
}

/// A sweep under way.
struct Swept {
    result: CleanupResult,
    /// The number of selected sessions, whether they were removed or not.
    taken: u64,
    /// The error of the store that ended the sweep early.
    failed: Option<Error>,
}

impl Swept {
    fn new(plan: &Sweep<'_>) -> Self {
        Self {
            result: CleanupResult {
                dry_run: plan.dry_run,
                ..CleanupResult::default()
            },
            taken: 0,
            failed: None,
        }
    }

    /// Sweeps these sessions up to a limit, in as few commits as possible. Returns the number of
    /// sessions that were examined.
    async fn sweep(
        &mut self,
        context: &Context,
        plan: &Sweep<'_>,
        heads: &[Head],
        limit: Option<u64>,
    ) -> usize {
        let mut done = 0;
        while let Some(rest) = heads.get(done..).filter(|rest| !rest.is_empty())
            && self.failed.is_none()
        {
            let left = limit.map(|limit| limit.saturating_sub(self.taken));
            if left == Some(0) {
                break;
            }
            let batch = context.try_transact(|tx| batch(tx, plan, rest, left)).await;
            match none_if_corrupt(batch) {
                Ok(Some(selected)) => {
                    done += selected.len();
                    for (head, selected) in rest.iter().zip(selected) {
                        self.taken += u64::from(selected);
                        if selected {
                            self.count(&head.id);
                        }
                    }
                }
                Ok(None) => {
                    let together = rest.len().min(MAX_TOGETHER);
                    for head in rest.iter().take(together) {
                        if left == Some(0) || self.failed.is_some() {
                            break;
                        }
                        done += 1;
                        self.sweep_one(context, plan, head).await;
                        if limit.is_some_and(|limit| self.taken >= limit) {
                            break;
                        }
                    }
                }
                Err(error) => {
                    let together = rest.iter().take(MAX_TOGETHER);
                    let selected = together.filter(|head| (plan.selects)(head));
                    selected.for_each(|head| self.fail(head.id.as_str(), &error));
                    self.failed.get_or_insert(error);
                }
            }
        }
        done
    }

    /// Sweeps one session. A session that has changed since it was listed is in use, and stays.
    async fn sweep_one(&mut self, context: &Context, plan: &Sweep<'_>, head: &Head) {
        let one = std::slice::from_ref(head);
        match context.try_transact(|tx| batch(tx, plan, one, None)).await {
            Ok(Some(selected)) if selected.first() == Some(&true) => {
                self.taken += 1;
                self.count(&head.id);
            }
            Ok(Some(_)) => {}
            Ok(None) => self.taken += 1,
            Err(error) => {
                self.taken += 1;
                self.fail(head.id.as_str(), &error);
            }
        }
    }

    fn count(&mut self, id: &SessionId) {
        self.result.removed += 1;
        if self.result.ids.len() < MAX_NAMED {
            self.result.ids.push(id.clone());
        }
    }

    fn fail(&mut self, id: &str, error: &Error) {
        if self.result.failed.len() < MAX_NAMED {
            self.result.failed.push(Refusal::new(id, error));
        }
        if self.failed.is_none() && error.is_of_store() {
            self.failed = Some(error.clone());
        }
    }

    /// Adds the sessions that could not be read. A page may repeat those of an earlier one.
    fn fail_unreadable(&mut self, problems: Vec<Problem>) {
        for Problem { id, problem } in problems {
            if self.result.failed.iter().all(|failed| failed.id != id) {
                let error = Cause::CorruptSession {
                    id: id.clone(),
                    problem,
                };
                self.fail(&id, &error.into());
            }
        }
    }

    /// The reply, or the error of the store if nothing was removed.
    fn result(self) -> Result<CleanupResult> {
        match self.failed {
            Some(error) if self.result.removed == 0 => Err(error),
            _ => Ok(self.result),
        }
    }
}

/// Sweeps the first of these sessions, as many as fit into one commit. Returns for each whether it was
/// selected.
fn batch(
    tx: &mut Transaction<'_>,
    plan: &Sweep<'_>,
    heads: &[Head],
    limit: Option<u64>,
) -> Attempt<Vec<bool>> {
    let heads = heads.get(..MAX_TOGETHER).unwrap_or(heads);
    let candidates = heads.iter().filter(|head| (plan.selects)(head));
    tx.read_all(
        candidates
            .map(|head| runner_read(&head.id))
            .collect::<Vec<_>>(),
    )?;
    let mut selected = Vec::new();
    let mut taken = 0;
    for head in heads {
        if is_full(tx) || limit.is_some_and(|limit| taken >= limit) {
            break;
        }
        if !(plan.selects)(head) || runner(tx, &head.id)?.is_some() {
            selected.push(false);
            continue;
        }
        taken += 1;
        selected.push(true);
        if !plan.dry_run {
            tx.assume(head.clone());
            remove(tx, plan, head)?;
        }
    }
    Ok(selected)
}

fn remove(tx: &mut Transaction<'_>, plan: &Sweep<'_>, head: &Head) -> Attempt<()> {
    let Sweep { fate, actor, .. } = *plan;
    if fate == Fate::Removed {
        let slot = head.slot.as_deref();
        let entry = Entry::removal(removal::DELETE, &head.id, slot, actor, tx.now());
        tx.enter(entry.to_record());
        tx.delete_as_read(head.id.clone())?;
        return Ok(());
    }
    let mut draft = Draft::of(head.clone(), tx.now(), tx.limits());
    if fate == Fate::Abandoned && !head.status.is_finished() {
        let idle = tx.now().since(head.updated_at) / 1000;
        let reason = Text::from(format!("cleaned up after {idle} s without activity"));
        draft.force_abandon(&reason)?;
    }
    draft.trash(Some(actor));
    write(tx, draft.finish())?;
    Ok(())
}

//! Removing sessions by their age, a page at a time.

use crate::answers::{CleanupResult, Done};
use crate::audit::Entry;
use crate::draft::Draft;
use crate::error::Result;
use crate::filter::{Direction, Filter, Order, OrderBy};
use crate::session::Head;
use crate::store::{Commit, Expect, ListQuery};
use crate::text::Text;
use crate::webhook::WebhookPayload;

use super::commit::put;
use super::{Environment, MAX_PAGE, MAX_PAGE_BYTES, Service};

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

/// Ids that a cleanup names.
const MAX_NAMED: usize = 1000;

impl Service<'_> {
    /// Removes the sessions that a filter means, page by page, oldest first.
    pub(super) async fn sweep(
        &self,
        env: &Environment,
        filter: Filter,
        meant: &dyn Fn(&Head) -> bool,
        fate: Fate,
        dry_run: bool,
    ) -> Result<Done<CleanupResult>> {
        let order = Order {
            by: OrderBy::CreatedAt,
            direction: Direction::Asc,
        };
        let mut query = ListQuery {
            filter,
            order,
            after: None,
            offset: 0,
            limit: MAX_PAGE,
            max_bytes: MAX_PAGE_BYTES,
        };
        let mut result = CleanupResult {
            dry_run,
            ..CleanupResult::default()
        };
        let mut notices = Vec::new();
        loop {
            let page = self.store.list(&query).await?;
            let last = page.heads.last().map(|head| order.position(head));
            for head in page.heads.into_iter().filter(meant) {
                let id = head.id.clone();
                if self.runner(env, &id).await?.is_some() {
                    continue;
                }
                if dry_run || self.sweep_one(env, head, fate, &mut notices).await? {
                    result.removed += 1;
                    if result.ids.len() < MAX_NAMED {
                        result.ids.push(id);
                    }
                }
            }
            match last {
                Some(last) if page.more => query.after = Some(last),
                _ => {
                    return Ok(Done {
                        value: result,
                        notices,
                    });
                }
            }
        }
    }

    /// Removes a session unless it has changed since it was listed: then it is in use.
    async fn sweep_one(
        &self,
        env: &Environment,
        head: Head,
        fate: Fate,
        notices: &mut Vec<WebhookPayload>,
    ) -> Result<bool> {
        let expect = Expect::Version {
            version: head.version,
        };
        if fate == Fate::Removed {
            return self.remove(head.id, expect).await;
        }
        let idle = env.now.since(head.updated_at) / 1000;
        let mut draft = Draft::of(head, env.now, self.limits);
        if fate == Fate::GivenUp && !draft.head().status.is_finished() {
            let reason = Text::from(format!("cleaned up after {idle} s without activity"));
            draft.give_up(&reason)?;
        }
        draft.trash();
        let finished = draft.finish();
        let mut changes = put(finished.head, expect, false, finished.events);
        changes
            .records
            .extend(finished.entries.iter().map(Entry::to_change));
        let applied = self.store.commit(&changes).await? == Commit::Applied;
        if applied {
            notices.extend(finished.notices);
        }
        Ok(applied)
    }
}

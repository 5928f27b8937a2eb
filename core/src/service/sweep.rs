//! Removing sessions by their age, a page at a time.

use crate::answers::{CleanupResult, Done};
use crate::draft::Draft;
use crate::error::Result;
use crate::filter::{Direction, Filter, Order, OrderBy};
use crate::session::Head;
use crate::store::{Commit, Expect, ListQuery};

use super::commit::put;
use super::{Environment, MAX_PAGE, MAX_PAGE_BYTES, Service};

/// Ids that a cleanup names.
const MAX_NAMED: usize = 1000;

impl Service<'_> {
    /// Removes the sessions that a filter means, page by page, oldest first.
    pub(super) async fn sweep(
        &self,
        env: &Environment,
        filter: Filter,
        meant: &dyn Fn(&Head) -> bool,
        permanent: bool,
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
        loop {
            let page = self.store.list(&query).await?;
            let last = page.heads.last().map(|head| order.position(head));
            for head in page.heads.into_iter().filter(meant) {
                let id = head.id.clone();
                if dry_run || self.sweep_one(env, head, permanent).await? {
                    result.removed += 1;
                    if result.ids.len() < MAX_NAMED {
                        result.ids.push(id);
                    }
                }
            }
            match last {
                Some(last) if page.more => query.after = Some(last),
                _ => return Ok(Done::quiet(result)),
            }
        }
    }

    /// Removes a session unless it has changed since it was listed: then it is in use.
    async fn sweep_one(&self, env: &Environment, head: Head, permanent: bool) -> Result<bool> {
        let expect = Expect::Version {
            version: head.version,
        };
        if permanent {
            return self.remove(head.id, expect).await;
        }
        let mut draft = Draft::of(head, env.now, self.limits);
        draft.trash();
        let changes = put(draft.finish().head, expect, false, Vec::new());
        Ok(self.store.commit(&changes).await? == Commit::Applied)
    }
}

//! The operations of an administrator: what is decided in [`administrator`](crate::session::administrator),
//! committed.

use crate::error::{Error, Result};
use crate::session::draft::{Draft, Finished};
use crate::session::params::{ChangeParams, OverrideParams, SaveParams};
use crate::session::replies::Done;
use crate::session::view::SessionHead;
use crate::session::{administrator, portable};
use crate::store::{Commit, Expect, History, Loaded};
use crate::stored::head::Head;

use super::commit::{MAX_ATTEMPTS, busy, put};
use super::{Environment, Pending, Service};

impl Service<'_> {
    /// Sets anything that a session has, past the lifecycle.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, and those of every change and of the limits.
    pub fn overrule<'a>(
        &'a self,
        env: &'a Environment,
        params: OverrideParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.overrule(&params.updates)
        })
    }

    /// Keeps a session as it is given, in place of the one that has its id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for text that is no session, `SESSION_DELETED`, `VERSION_CONFLICT`,
    /// `SLOT_TAKEN`, and those of the limits and of the store.
    pub async fn save(&self, env: &Environment, params: SaveParams) -> Result<Done<SessionHead>> {
        let given = portable::read(params.text.as_str())?.checked(self.limits)?;
        let ended = administrator::ended(params.text.as_str())?;
        let id = given.head.id.clone();
        for _ in 0..MAX_ATTEMPTS {
            let kept = self.store.load(&id, History::All).await?;
            let current = kept.as_ref().map_or(0, |kept| kept.head.version);
            if let Some(expected) = params.if_version
                && expected != current
            {
                return Err(Error::VersionConflict {
                    id: id.to_string(),
                    expected,
                    current,
                });
            }
            let (before, events, expect) = match kept {
                Some(Loaded { head, .. }) if head.deleted_at.is_some() => {
                    return Err(Error::SessionDeleted { id: id.to_string() });
                }
                Some(Loaded { head, events }) => {
                    let version = head.version;
                    (head, events, Expect::Version { version })
                }
                None => (unwritten(&given.head), Vec::new(), Expect::Absent),
            };
            let saved = administrator::saved(&before, &events, given.clone(), ended, env.now);
            let mut draft = Draft::of(before.clone(), env.now, self.limits);
            draft.become_overruled(saved);
            if current > 0 && draft.changes_nothing(&before) {
                return Ok(Done::quiet(before.into()));
            }
            let Finished {
                head,
                events,
                replaces_history,
                ..
            } = draft.finish();
            let mut changes = put(head.clone(), expect, replaces_history, events);
            if current == 0 {
                changes.records.extend(self.entry(&head).await?);
            }
            if self.store.commit(&changes).await? == Commit::Applied {
                return Ok(Done::quiet(head.into()));
            }
        }
        Err(busy(&id))
    }
}

/// A session that is not there yet, as the one before it is saved: finishing counts its version up.
fn unwritten(given: &Head) -> Head {
    Head {
        version: given.version.saturating_sub(1),
        event_count: 0,
        deleted_at: None,
        ..given.clone()
    }
}

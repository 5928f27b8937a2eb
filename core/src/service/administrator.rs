//! The operations of an administrator: what is decided in [`administrator`](crate::administrator),
//! committed.

use crate::administrator;
use crate::answers::Done;
use crate::draft::{Draft, Finished};
use crate::error::{Error, Result};
use crate::params::{ChangeParams, OverrideParams, SaveParams};
use crate::portable;
use crate::session::SessionHead;
use crate::store::{Commit, Expect, History, Loaded};

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
    /// `INVALID_ARGUMENT` for text that is no session, `SESSION_DELETED`, `VERSION_CONFLICT`, and
    /// those of the limits and of the store.
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
            let changes = match kept {
                Some(Loaded { head, .. }) if head.deleted_at.is_some() => {
                    return Err(Error::SessionDeleted { id: id.to_string() });
                }
                Some(Loaded { head, events }) => {
                    let saved = administrator::saved(&head, &events, given.clone(), ended, env.now);
                    let mut draft = Draft::of(head.clone(), env.now, self.limits);
                    draft.become_overruled(saved);
                    if draft.changes_nothing(&head) {
                        return Ok(Done::quiet(head.into()));
                    }
                    let finished = draft.finish();
                    let version = head.version;
                    change(finished, Expect::Version { version })
                }
                None => {
                    let mut head = given.head.clone();
                    // Finishing counts up.
                    head.version = head.version.saturating_sub(1);
                    head.deleted_at = None;
                    let mut finished = Draft::of(head, env.now, self.limits).finish();
                    finished.events.clone_from(&given.events);
                    change(finished, Expect::Absent)
                }
            };
            let (changes, head) = changes;
            if self.store.commit(&changes).await? == Commit::Applied {
                return Ok(Done::quiet(head));
            }
        }
        Err(busy(&id))
    }
}

fn change(finished: Finished, expect: Expect) -> (crate::store::Changes, SessionHead) {
    let Finished {
        head,
        events,
        replaces_history,
        ..
    } = finished;
    let answer = head.clone().into();
    (put(head, expect, replaces_history, events), answer)
}

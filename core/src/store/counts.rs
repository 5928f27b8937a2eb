//! Counts of all sessions of a store that are kept up to date by each write, so that statistics cost the same
//! however many sessions and users there are.

use crate::store::key;
use crate::store::places::Places;
use crate::store::rows::Rows;
use crate::store::tally::{Group, Shared, Sums, Tally, place_of};
use crate::stored::head::Head;

/// The groups of all sessions that are not in the trash. A session is in up to four: that of its status,
/// mode and model, the same of its user, that of its user, and that of its user and mode.
#[derive(Debug, Default, Clone)]
pub(super) struct Counts {
    groups: Rows<Group>,
    /// The groups by user, and by user and mode: those with the most sessions first.
    ranked: Places,
    /// The places of groups that may have another rank. A write that had to rank users would take half as
    /// long again, so the next statistics do it, once for each user.
    waiting: Vec<usize>,
}

/// The places of the groups that a session is in.
pub(super) type Counted = [usize; 4];

/// No groups.
pub(super) const NOT_COUNTED: Counted = [usize::MAX; 4];

/// The greatest number of groups that wait to be ranked.
const MOST_WAITING: usize = 1024;

/// The first of the groups that all statuses and models share.
const FIRST_OF_USER: usize = 2;

impl Counts {
    /// Counts a session as it is after a write, no longer as it was before.
    pub(super) fn change(
        &mut self,
        counted: &mut Counted,
        before: Option<&Head>,
        after: Option<&Head>,
    ) {
        let is_counted = |head: &&Head| head.deleted_at.is_none();
        let (before, after) = (before.filter(is_counted), after.filter(is_counted));
        let sums = |head: Option<&Head>| head.map_or_else(Sums::default, Sums::of);
        let (gone, come) = (sums(before), sums(after));
        let (mut same_user, mut same_kind) = (false, false);
        if let (Some(before), Some(after)) = (before, after) {
            same_user = before.user_id == after.user_id && before.mode == after.mode;
            let same_model = || {
                before.slot == after.slot && before.metadata == after.metadata
                    || before.model() == after.model()
            };
            same_kind = same_user && before.status == after.status && same_model();
        }
        let model = after.filter(|_| !same_kind).and_then(Head::model);
        for (nth, place) in counted.iter_mut().enumerate() {
            let of_user = nth >= FIRST_OF_USER;
            let stays = if of_user { same_user } else { same_kind };
            self.add(
                *place,
                if stays {
                    come.minus(gone)
                } else {
                    Sums::default().minus(gone)
                },
            );
            if stays {
                continue;
            }
            let of = after.map(|head| Shared {
                user_id: head.user_id.as_deref(),
                mode: Some(&head.mode),
                status: Some(head.status),
                model: model.as_deref(),
            });
            *place = self.place_in(nth, of);
            self.add(*place, come);
        }
    }

    /// Counts sessions that share all of this.
    pub(super) fn add_all(&mut self, shared: Shared<'_>, sums: Sums) -> Counted {
        let mut counted = NOT_COUNTED;
        for (nth, place) in counted.iter_mut().enumerate() {
            *place = self.place_in(nth, Some(shared));
            self.add(*place, sums);
        }
        counted
    }

    /// The place of one of the groups that a session is in. A session without a user is in the first alone.
    fn place_in(&mut self, nth: usize, of: Option<Shared<'_>>) -> usize {
        let of_user = nth >= FIRST_OF_USER;
        match of {
            Some(of) if nth == 0 || of.user_id.is_some() => {
                let shared = Shared {
                    user_id: of.user_id.filter(|_| nth > 0),
                    mode: of.mode.filter(|_| nth != FIRST_OF_USER),
                    status: of.status.filter(|_| !of_user),
                    model: of.model.filter(|_| !of_user),
                };
                place_of(&mut self.groups, shared)
            }
            _ => usize::MAX,
        }
    }

    /// Adds to the group of a place, which is removed when it is empty.
    fn add(&mut self, place: usize, sums: Sums) {
        let Some(group) = self.groups.at_mut(place) else {
            return;
        };
        group.sums = group.sums.plus(sums);
        let sessions = group.sums.sessions();
        if sessions == 0 {
            self.ranked.remove(&rank_key(group));
            let key = key::of_group(group.shared());
            self.groups.remove(&key);
        } else if sessions != group.ranked && !group.waits && group.shared().status.is_none() {
            group.waits = true;
            self.waiting.push(place);
            if self.waiting.len() == MOST_WAITING {
                self.rank();
            }
        }
    }

    /// Ranks the groups that wait for it.
    fn rank(&mut self) {
        for place in std::mem::take(&mut self.waiting) {
            // Its group may have been removed, and another one be there.
            let Some(group) = self.groups.at_mut(place) else {
                continue;
            };
            if group.shared().status.is_none() && group.ranked != group.sums.sessions() {
                self.ranked.remove(&rank_key(group));
                group.ranked = group.sums.sessions();
                self.ranked.insert(rank_key(group), place);
            }
            group.waits = false;
        }
    }

    /// The number of places of groups.
    pub(super) fn places(&self) -> usize {
        self.groups.places()
    }

    /// Adds sums by the places of their groups to a tally.
    pub(super) fn add_to(&self, tally: &mut Tally, sums: &[Sums]) {
        for (place, sums) in sums.iter().enumerate() {
            if let Some(group) = self.groups.at(place).filter(|_| sums.sessions() > 0) {
                tally.add(group.shared(), *sums);
            }
        }
    }

    /// What the sessions of the first group share that a session is in.
    pub(super) fn shared(&self, counted: Counted) -> Option<Shared<'_>> {
        let [kind, ..] = counted;
        self.groups.at(kind).map(Group::shared)
    }

    /// The counts of one user or of all, in one mode or in all, with the `users` who have the most sessions.
    pub(super) fn tally(&mut self, user_id: Option<&str>, mode: Option<&str>, users: u32) -> Tally {
        self.rank();
        let mut tally = Tally::default();
        let mut sums = Sums::default();
        let first = key::of_groups(user_id, true, mode);
        self.groups.visit(&first, &mut |group| {
            let shared = group.shared();
            let is_meant = shared.status.is_some()
                && shared.user_id == user_id
                && (mode.is_none() || shared.mode == mode);
            if is_meant {
                sums = sums.plus(group.sums);
                let of_all = Shared {
                    user_id: None,
                    ..shared
                };
                tally.add(of_all, group.sums);
            }
            is_meant
        });
        let mut left = users;
        let mut add = |user_id, sums| {
            let is_listed = left > 0;
            if is_listed {
                left -= 1;
                tally.add_user(user_id, sums);
            }
            is_listed
        };
        let number = if let Some(user_id) = user_id {
            let has_some = sums.sessions() > 0;
            if has_some {
                add(user_id, sums);
            }
            usize::from(has_some)
        } else {
            let mut key = key::of_name(mode);
            let before = self.ranked.position(&key);
            self.ranked.visit(Some(&key), false, &mut |_, place| {
                let Some(group) = self.groups.at(place) else {
                    return true;
                };
                let shared = group.shared();
                shared.mode == mode && add(shared.user_id.unwrap_or_default(), group.sums)
            });
            key.push(key::BEHIND_DIGITS);
            self.ranked.position(&key) - before
        };
        tally.users_omitted = (number as u64).saturating_sub(u64::from(users));
        tally
    }
}

/// The key of a group among those that are ranked.
fn rank_key(group: &Group) -> String {
    let Shared { user_id, mode, .. } = group.shared();
    key::of_user(mode, group.ranked, user_id.unwrap_or_default())
}

impl Tally {
    /// Leaves out all users but the `most` who have the most sessions, and counts the others.
    pub(super) fn keep_users(self, most: u32) -> Self {
        let mut counts = Counts {
            waiting: (0..self.groups.places()).collect(),
            groups: self.groups,
            ranked: Places::default(),
        };
        counts.tally(None, None, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::head::Usage;
    use crate::stored::status::Status;
    use crate::value::id::SessionId;
    use crate::value::json::Json;
    use crate::value::time::Timestamp;

    fn of_user(user: u32) -> Head {
        Head {
            id: SessionId::parse("a").unwrap(),
            version: 1,
            user_id: Some(format!("user {user}")),
            channel_id: None,
            mode: "m".to_owned(),
            task: "t".to_owned(),
            workspace: None,
            status: Status::Active,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            iterations: 0,
            max_iterations: 1,
            context: Json::empty_object(),
            result: None,
            result_data: None,
            error: None,
            metadata: None,
            event_count: 0,
            usage: Usage::default(),
            paused_at: None,
            finalized_at: None,
            parent_id: None,
            agent: None,
            slot: None,
            deleted_at: None,
        }
    }

    #[test]
    fn sessions_that_come_and_go_leave_nothing_behind() {
        let mut counts = Counts::default();
        for user in 0..10_000 {
            let (mut counted, head) = (NOT_COUNTED, of_user(user));
            counts.change(&mut counted, None, Some(&head));
            counts.change(&mut counted, Some(&head), None);
            assert!(counts.waiting.len() < MOST_WAITING);
        }
        assert_eq!(counts.groups.values().count(), 0);
        assert_eq!(counts.tally(None, None, 10), Tally::default());
    }
}

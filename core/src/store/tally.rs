//! Statistics over the sessions that a filter means. A store counts groups into a [`Tally`], or collects values,
//! or lets the default do so with heads. What the counts say is in [`stats`](crate::session::stats), what the
//! values say in [`distribution`](crate::session::distribution).

use crate::store::key;
use crate::store::rows::Rows;
pub use crate::store::shared::Shared;
use crate::store::values;
pub use crate::store::values::{GroupBy, Measured, Values};
use crate::stored::head::{Head, Usage};
use crate::stored::status::Status;

/// What is found out about sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Counts by what statistics tell apart: by status, mode and model together, and by user, of the `users`
    /// who have the most sessions; of users with as many the first names come first.
    Counts {
        /// How many users.
        users: u32,
    },
    /// The values of each session, in groups or of all sessions together.
    Values {
        /// By what they are grouped.
        by: Option<GroupBy>,
    },
}

impl Default for Aggregate {
    fn default() -> Self {
        Self::Counts { users: 0 }
    }
}

/// An [`Aggregate`] of sessions.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    aggregate: Aggregate,
    pub(super) groups: Rows<Group>,
    /// The number of users that have sessions and no group.
    pub users_omitted: u64,
    values: Rows<Values>,
}

impl PartialEq for Tally {
    fn eq(&self, other: &Self) -> bool {
        self.groups.values().eq(other.groups.values())
            && self.users_omitted == other.users_omitted
            && self.values.values().eq(other.values.values())
    }
}

impl Eq for Tally {}

/// Sessions that share something, counted by a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    user_id: Option<String>,
    mode: Option<String>,
    status: Option<Status>,
    model: Option<String>,
    /// How many they are, and what they sum up to.
    pub sums: Sums,
    /// The number of sessions by which its user is ranked.
    pub(super) ranked: u64,
    /// Whether its user is to be ranked again.
    pub(super) waits: bool,
}

impl Group {
    /// What they share.
    pub fn shared(&self) -> Shared<'_> {
        Shared {
            user_id: self.user_id.as_deref(),
            mode: self.mode.as_deref(),
            status: self.status,
            model: self.model.as_deref(),
        }
    }
}

/// The place of the group of what is shared, which is added if there is none.
pub(super) fn place_of(groups: &mut Rows<Group>, shared: Shared<'_>) -> usize {
    let key = key::of_group(shared);
    if let Some(place) = groups.place(&key) {
        return place;
    }
    let group = Group {
        user_id: shared.user_id.map(str::to_owned),
        mode: shared.mode.map(str::to_owned),
        status: shared.status,
        model: shared.model.map(str::to_owned),
        sums: Sums::default(),
        ranked: 0,
        waits: false,
    };
    groups.insert(key, group)
}

/// A number of sessions and what they sum up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many they are.
    pub sessions: u64,
    /// The sum of their iterations.
    pub iterations: u64,
    /// The sum of what they used.
    pub usage: Usage,
}

/// The sums of a [`Count`], of which parts can be taken away again: the number of sessions, that of
/// iterations, and the upper and the lower 32 bits of prompt tokens, of completion tokens and of
/// billionths of the cost. No number of sessions makes one of them overflow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums(pub [u64; 8]);

impl Sums {
    /// Those of one session.
    pub fn of(head: &Head) -> Self {
        Self::of_session(Measured::of(head))
    }

    /// Those of a session with these values.
    pub(super) fn of_session(measured: Measured) -> Self {
        let Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            cost_nanos: cost,
        } = measured.usage;
        let lower = u64::from(u32::MAX);
        Self([
            1,
            u64::from(measured.iterations),
            prompt >> 32,
            prompt & lower,
            completion >> 32,
            completion & lower,
            cost >> 32,
            cost & lower,
        ])
    }

    /// The sums of both.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (sum, other) in self.0.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(other);
        }
        self
    }

    /// What is left without a part.
    #[must_use]
    pub fn minus(mut self, part: Self) -> Self {
        for (sum, part) in self.0.iter_mut().zip(part.0) {
            *sum = sum.wrapping_sub(part);
        }
        self
    }

    /// The number of sessions.
    pub fn sessions(self) -> u64 {
        let [sessions, ..] = self.0;
        sessions
    }

    /// The count that these make; a number stops at the largest one.
    pub fn count(self) -> Count {
        let Self([sessions, iterations, halves @ ..]) = self;
        let [
            prompt,
            prompt_rest,
            completion,
            completion_rest,
            cost,
            cost_rest,
        ] = halves;
        let whole = |upper: u64, lower: u64| {
            let upper = upper.saturating_add(lower >> 32);
            let lower = lower & u64::from(u32::MAX);
            if upper >> 32 == 0 {
                (upper << 32) | lower
            } else {
                u64::MAX
            }
        };
        Count {
            sessions,
            iterations,
            usage: Usage {
                prompt_tokens: whole(prompt, prompt_rest),
                completion_tokens: whole(completion, completion_rest),
                cost_nanos: whole(cost, cost_rest),
            },
        }
    }
}

impl Tally {
    /// An empty one.
    pub fn new(aggregate: Aggregate) -> Self {
        Self {
            aggregate,
            ..Self::default()
        }
    }

    /// Adds one session.
    pub fn count(&mut self, head: &Head) {
        let model = head.model();
        let shared = Shared {
            user_id: head.user_id.as_deref(),
            mode: Some(&head.mode),
            status: Some(head.status),
            model: model.as_deref(),
        };
        self.count_session(shared, Measured::of(head));
    }

    /// Adds a session of a user, a mode, a status and a model.
    pub fn count_session(&mut self, of: Shared<'_>, measured: Measured) {
        if let Aggregate::Values { by } = self.aggregate {
            let name = by.and_then(|by| match by {
                GroupBy::Mode => of.mode,
                GroupBy::Model => of.model,
                GroupBy::User => of.user_id,
            });
            values::add_to(&mut self.values, name, measured);
            return;
        }
        let (sums, user_id) = (Sums::of_session(measured), None);
        self.add(Shared { user_id, ..of }, sums);
        if let Some(user_id) = of.user_id {
            self.add_user(user_id, sums);
        }
    }

    /// The whole of it, when all sessions are added: of the users only those who are asked for.
    #[must_use]
    pub fn complete(self) -> Self {
        match self.aggregate {
            Aggregate::Counts { users } => self.keep_users(users),
            Aggregate::Values { .. } => self,
        }
    }

    /// Adds sessions that a store has counted, and that share a status, a mode and a model, but no user.
    pub fn add(&mut self, shared: Shared<'_>, sums: Sums) {
        let place = place_of(&mut self.groups, shared);
        if let Some(group) = self.groups.at_mut(place) {
            group.sums = group.sums.plus(sums);
        }
    }

    /// Adds sessions of a user that a store has counted.
    pub fn add_user(&mut self, user_id: &str, sums: Sums) {
        let of_user = Shared {
            user_id: Some(user_id),
            ..Shared::default()
        };
        self.add(of_user, sums);
    }

    /// Calls `each` with all groups, in an order of their own.
    pub(crate) fn each(&self, each: &mut dyn FnMut(&Group)) {
        self.groups.visit("", &mut |group| {
            each(group);
            true
        });
    }

    /// The groups by status, mode and model.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(|group| group.status.is_some())
    }

    /// The groups of values.
    pub fn values(&self) -> impl Iterator<Item = &Values> {
        self.values.values()
    }

    /// The groups by user.
    pub fn users(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(|group| group.status.is_none())
    }
}

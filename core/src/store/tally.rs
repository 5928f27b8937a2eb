//! Statistics over the sessions that a filter means. A store counts groups into a [`Tally`], or
//! lets the default count heads. What the counts say is in [`stats`](crate::session::stats).

use std::borrow::Cow;

use crate::store::rows::Rows;
use crate::stored::head::{Head, Usage};
use crate::stored::status::Status;

/// Counts of sessions, by what statistics tell apart: status, mode, user and model.
#[derive(Debug, Clone, Default)]
pub struct Tally(Rows<Group>);

impl PartialEq for Tally {
    fn eq(&self, other: &Self) -> bool {
        self.groups().eq(other.groups())
    }
}

impl Eq for Tally {}

/// Sessions that share status, mode, user and model, counted by a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their status.
    pub status: Status,
    /// Their mode.
    pub mode: String,
    /// Their user.
    pub user_id: Option<String>,
    /// Their model.
    pub model: Option<String>,
    /// How many they are, and what they sum up to.
    pub count: Count,
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

impl Count {
    /// Adds another count; it stops at the largest number rather than wrap.
    pub fn add(&mut self, other: Self) {
        self.sessions = self.sessions.saturating_add(other.sessions);
        self.iterations = self.iterations.saturating_add(other.iterations);
        self.usage = self.usage.plus(other.usage);
    }
}

/// What the sessions of a group share, as text. Lengths say where the user and the model begin.
fn key(status: Status, mode: &str, user_id: Option<&str>, model: Option<&str>) -> String {
    let (mode_length, user_length) = (
        mode.len().to_string(),
        user_id.map(|id| id.len().to_string()),
    );
    let mut key = String::with_capacity(64);
    for part in [status.as_str(), &mode_length, mode] {
        key.push_str(part);
        key.push('\0');
    }
    for part in [user_length.as_deref(), user_id, model] {
        key.push_str(part.unwrap_or_default());
        key.push(if part.is_some() { '\0' } else { '\u{1}' });
    }
    key
}

impl Tally {
    /// Counts one session.
    pub fn count(&mut self, head: &Head) {
        let model = head.model();
        let user_id = head.user_id.as_deref();
        let key = key(head.status, &head.mode, user_id, model.as_deref());
        let count = Count {
            sessions: 1,
            iterations: u64::from(head.iterations),
            usage: head.usage,
        };
        match self.0.get_mut(&key) {
            Some(known) => known.count.add(count),
            None => {
                let group = Group {
                    status: head.status,
                    mode: head.mode.clone(),
                    user_id: head.user_id.clone(),
                    model: model.map(Cow::into_owned),
                    count,
                };
                self.0.insert(key, group);
            }
        }
    }

    /// Adds a group that a store has counted.
    pub fn add(&mut self, group: Group) {
        let (user_id, model) = (group.user_id.as_deref(), group.model.as_deref());
        let key = key(group.status, &group.mode, user_id, model);
        match self.0.get_mut(&key) {
            Some(known) => known.count.add(group.count),
            None => {
                self.0.insert(key, group);
            }
        }
    }

    /// The groups that were counted.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.0.values()
    }
}

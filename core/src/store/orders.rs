//! The orders in memory in which sessions are listed: by creation, of all sessions, of those of each user and
//! of those with each status. So a page costs what it shows, however many sessions there are.

use crate::store::filter::{Direction, Filter, Position};
use crate::store::heads::{Block, Index};
use crate::store::key;
use crate::store::places::Places;
use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::time::Timestamp;

/// The places of the sessions in each order.
#[derive(Default, Clone)]
pub(super) struct Orders {
    all: Places,
    by_user: Places,
    by_status: Places,
}

impl Orders {
    /// Puts a session in its place as it is after a write, no longer where it was before.
    pub(super) fn change(&mut self, place: usize, before: Option<&Head>, after: Option<&Head>) {
        if before.map(properties) == after.map(properties) {
            return;
        }
        let keys = |head: &Head| {
            let created = created(head.created_at, &head.id);
            // The keys stay: they have no room for more.
            let of = |beginning: String| [beginning.as_str(), &created].concat();
            let user = head.user_id.as_deref().map(of_user);
            let by_user = user.map_or_else(String::new, of);
            let by_status = of(of_status(head.status));
            [created, by_user, by_status]
        };
        let before = before.map(keys).unwrap_or_default();
        let after = after.map(keys).unwrap_or_default();
        let orders = [&mut self.all, &mut self.by_user, &mut self.by_status];
        for ((order, from), to) in orders.into_iter().zip(before).zip(after) {
            if from != to {
                if !from.is_empty() {
                    order.remove(&from);
                }
                if !to.is_empty() {
                    order.insert(to, place);
                }
            }
        }
    }

    /// Adds the sessions of a block, whose places follow each other.
    pub(super) fn add_all(&mut self, block: &Block, index: &Index, first: usize) {
        let of_kinds: Vec<[String; 2]> = block
            .kinds()
            .map(|kind| {
                let user = kind.user_id.map(of_user);
                let status = kind.status.map(of_status);
                [user.unwrap_or_default(), status.unwrap_or_default()]
            })
            .collect();
        let keys = index.heads.iter();
        let keys: Vec<String> = keys
            .map(|head| created(head.created_at, &head.id))
            .collect();
        // Keys that come in their order are quickest to add.
        let [_, by_user, by_status] = &index.orders;
        let orders = [&mut self.by_user, &mut self.by_status];
        for (nth, (order, ordered)) in orders.into_iter().zip([by_user, by_status]).enumerate() {
            for at in ordered {
                let Some((head, key)) = index.heads.get(*at).zip(keys.get(*at)) else {
                    continue;
                };
                let beginning = of_kinds.get(head.kind).and_then(|of| of.get(nth));
                if let Some(beginning) = beginning {
                    order.insert([beginning, key.as_str()].concat(), first + at);
                }
            }
        }
        for (key, place) in keys.into_iter().zip(first..) {
            self.all.insert(key, place);
        }
    }

    /// Whether a visit with this filter leaves out sessions. It takes longer for each that it visits than a visit
    /// of all in no order.
    pub(super) fn narrow(filter: &Filter) -> bool {
        filter.user_id.is_some()
            || matches!(filter.status.as_deref(), Some([_]))
            || filter.created_after.is_some()
            || filter.created_before.is_some()
    }

    /// Visits the places of the sessions after a position, in the order of creation or backwards, until `visit`
    /// returns `false`: of the times of creation that the filter wants, and if it wants one user, or one status,
    /// only those sessions.
    pub(super) fn visit(
        &self,
        filter: &Filter,
        after: Option<&Position>,
        direction: Direction,
        visit: &mut dyn FnMut(usize) -> bool,
    ) {
        let (order, beginning) = match (filter.user_id.as_deref(), filter.status.as_deref()) {
            (Some(user), _) => (&self.by_user, of_user(user)),
            (None, Some([status])) => (&self.by_status, of_status(*status)),
            (None, _) => (&self.all, String::new()),
        };
        // Before and behind the keys of the times that the filter wants.
        let [mut first, mut last] = [beginning.clone(), beginning.clone()];
        if let Some(at) = filter.created_after {
            push_time(&mut first, at);
        }
        if let Some(at) = filter.created_before {
            push_time(&mut last, at);
        }
        last.push(key::BEHIND_DIGITS);
        let backwards = direction == Direction::Desc;
        let end = if backwards { &last } else { &first };
        let after = after.map(|after| beginning + &created(after.at, &after.id));
        let from = match &after {
            Some(after) if (after < end) == backwards => after,
            _ => end,
        };
        order.visit(Some(from), backwards, &mut |key, place| {
            first.as_str() <= key && key <= last.as_str() && visit(place)
        });
    }
}

/// What the places of a session depend on.
fn properties(head: &Head) -> (Timestamp, Status, Option<&str>) {
    (head.created_at, head.status, head.user_id.as_deref())
}

/// The beginning of the keys of a user's sessions.
fn of_user(user_id: &str) -> String {
    let mut key = String::with_capacity(24);
    key::push_text(&mut key, Some(user_id));
    key
}

/// The beginning of the keys of the sessions with a status.
fn of_status(status: Status) -> String {
    let mut key = String::with_capacity(24);
    key.push_str(status.as_str());
    key
}

/// The key of a session in the order of creation: that of the time, then of the ids.
fn created(at: Timestamp, id: &SessionId) -> String {
    let mut key = String::with_capacity(key::NUMBER + id.as_str().len());
    push_time(&mut key, at);
    key.push_str(id.as_str());
    key
}

fn push_time(key: &mut String, at: Timestamp) {
    // The times before 1970 come first.
    let at = at.as_millis().wrapping_sub(i64::MIN) as u64;
    key::push_number(key, at, 5);
}

//! The filter and the order of sessions in lists and statistics. [`Filter::matches`] and
//! [`Order::compare`] are the reference semantics: a store may use other means (an index), but its
//! replies must be the same. The test kit checks every store against them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::error::{Cause, Result};
use crate::store::shared::Shared;
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::slot::{Slot, SlotPhase};
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::time::{self, Timestamp};

/// The conditions on a session. All given conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// Runs for this user.
    pub user_id: Option<String>,
    /// Was started in this channel.
    pub channel_id: Option<String>,
    /// Is of this mode.
    pub mode: Option<String>,
    /// Has one of these statuses; an empty list matches nothing.
    pub status: Option<Vec<Status>>,
    /// Is an agent's, in one of these phases; an empty list matches nothing.
    pub phase: Option<Vec<Phase>>,
    /// Takes a slot of one of these tasks; an empty list matches nothing.
    pub task_ids: Option<Vec<String>>,
    /// Takes the slot of one of these phases; an empty list matches nothing.
    pub slot_phase: Option<Vec<SlotPhase>>,
    /// The model of this name works on it: in its slot, or without a slot by its metadata.
    pub model: Option<String>,
    /// Was forked from this session.
    pub parent_id: Option<SessionId>,
    /// Was created at this time or later.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(with = "time::as_millis::option")]
    pub created_after: Option<Timestamp>,
    /// Was created at this time or earlier.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(with = "time::as_millis::option")]
    pub created_before: Option<Timestamp>,
    /// Was last changed at this time or later.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(with = "time::as_millis::option")]
    pub updated_after: Option<Timestamp>,
    /// Was last changed at this time or earlier.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(with = "time::as_millis::option")]
    pub updated_before: Option<Timestamp>,
    /// Has used this many iterations or more.
    pub min_iterations: Option<u32>,
    /// Has used this many iterations or fewer.
    pub max_iterations: Option<u32>,
    /// Has this text in its task; A-Z and a-z are the same, other letters are not.
    pub text: Option<String>,
    /// Whether sessions in the trash count.
    pub trash: Trash,
}

/// Whether sessions in the trash count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Trash {
    /// Only sessions that are not in the trash.
    #[default]
    Exclude,
    /// Only sessions that are in the trash.
    Only,
    /// Both.
    Include,
}

impl Filter {
    /// The user and the mode, each where it is given, of a filter without other conditions than these and
    /// that sessions are not in the trash. Stores may keep counts for such a filter.
    pub fn user_and_mode(&self) -> Option<(Option<&str>, Option<&str>)> {
        let Self {
            user_id,
            channel_id: None,
            mode,
            status: None,
            phase: None,
            task_ids: None,
            slot_phase: None,
            model: None,
            parent_id: None,
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            min_iterations: None,
            max_iterations: None,
            text: None,
            trash: Trash::Exclude,
        } = self
        else {
            return None;
        };
        Some((user_id.as_deref(), mode.as_deref()))
    }

    /// Whether a session is meant.
    pub fn matches(&self, head: &Head) -> bool {
        // Finding the model takes longer than all else.
        let model = self.model.as_ref().and_then(|_| head.model());
        let shared = Shared {
            user_id: head.user_id.as_deref(),
            mode: Some(&head.mode),
            status: Some(head.status),
            model: model.as_deref(),
        };
        let is_in_trash = head.deleted_at.is_some();
        self.admits(shared, head.created_at, head.iterations, is_in_trash) && self.admits_rest(head)
    }

    /// Whether sessions that share this, were created at this time, have used so many iterations, and are in
    /// the trash or not, have the properties of the filter that are about that.
    pub(super) fn admits(
        &self,
        shared: Shared<'_>,
        created_at: Timestamp,
        iterations: u32,
        is_in_trash: bool,
    ) -> bool {
        is_same(&self.user_id, shared.user_id)
            && is_same(&self.mode, shared.mode)
            && is_same(&self.model, shared.model)
            && self.status.as_ref().is_none_or(|statuses| {
                let status = shared.status;
                status.is_some_and(|status| statuses.contains(&status))
            })
            && self.created_after.is_none_or(|at| created_at >= at)
            && self.created_before.is_none_or(|at| created_at <= at)
            && self.min_iterations.is_none_or(|least| iterations >= least)
            && self.max_iterations.is_none_or(|most| iterations <= most)
            && self.trash.includes(is_in_trash)
    }

    /// Whether a task has the text of the filter, if it has one.
    pub(super) fn admits_task(&self, task: &str) -> bool {
        let text = self.text.as_ref();
        text.is_none_or(|text| contains_ignoring_ascii_case(task, text))
    }

    /// Whether it has properties beside those of [`admits`](Self::admits) and [`admits_task`](Self::admits_task).
    pub(super) fn needs_heads(&self) -> bool {
        !matches!(
            self,
            Self {
                user_id: _,
                channel_id: None,
                mode: _,
                status: _,
                phase: None,
                task_ids: None,
                slot_phase: None,
                model: _,
                parent_id: None,
                created_after: _,
                created_before: _,
                updated_after: None,
                updated_before: None,
                min_iterations: _,
                max_iterations: _,
                text: _,
                trash: _,
            }
        )
    }

    /// Whether a session has the properties beside those of [`admits`](Self::admits).
    fn admits_rest(&self, head: &Head) -> bool {
        is_same(&self.channel_id, head.channel_id.as_deref())
            && self.phase.as_ref().is_none_or(|phases| {
                head.agent
                    .as_ref()
                    .is_some_and(|agent| phases.contains(&agent.phase))
            })
            && slotted(head, &self.task_ids, |slot, ids| {
                ids.contains(&slot.task_id)
            })
            && slotted(head, &self.slot_phase, |slot, of| of.contains(&slot.phase))
            && self
                .parent_id
                .as_ref()
                .is_none_or(|parent| head.parent_id.as_ref() == Some(parent))
            && self.updated_after.is_none_or(|at| head.updated_at >= at)
            && self.updated_before.is_none_or(|at| head.updated_at <= at)
            && self.admits_task(&head.task)
    }
}

fn is_same(wanted: &Option<String>, actual: Option<&str>) -> bool {
    wanted.is_none() || wanted.as_deref() == actual
}

/// Whether a session's slot is as it is wanted, if anything is.
fn slotted<T>(head: &Head, wanted: &Option<T>, fits: impl FnOnce(&Slot, &T) -> bool) -> bool {
    wanted.as_ref().is_none_or(|wanted| {
        let slot = head.slot.as_ref();
        slot.is_some_and(|slot| fits(slot, wanted))
    })
}

impl Trash {
    /// Whether a session counts.
    pub fn admits(self, head: &Head) -> bool {
        self.includes(head.deleted_at.is_some())
    }

    fn includes(self, is_in_trash: bool) -> bool {
        match self {
            Self::Exclude => !is_in_trash,
            Self::Only => is_in_trash,
            Self::Include => true,
        }
    }
}

/// The greatest length in bytes of a text that is compared at each place.
const SHORT: usize = 64;

/// Whether a text contains a part. A-Z and a-z are the same.
fn contains_ignoring_ascii_case(text: &str, part: &str) -> bool {
    let Some((first, others)) = part.as_bytes().split_first() else {
        return true;
    };
    if others.len() >= SHORT {
        // This takes time for each byte of both, and not for each of one with each of the other.
        let text = text.to_ascii_lowercase();
        return text.contains(&part.to_ascii_lowercase());
    }
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut bytes = text.as_bytes().iter();
    while bytes.any(|byte| *byte == lower || *byte == upper) {
        let following = bytes.as_slice().get(..others.len());
        if following.is_some_and(|following| following.eq_ignore_ascii_case(others)) {
            return true;
        }
    }
    false
}

/// The time that orders a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum OrderBy {
    /// When sessions were started.
    #[default]
    CreatedAt,
    /// When sessions were last changed.
    UpdatedAt,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

/// The order of a list. Sessions of the same millisecond are ordered by their ids, byte by byte, in
/// the same direction, so that the order is total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The time that orders.
    pub by: OrderBy,
    /// Which end comes first.
    pub direction: Direction,
}

impl Order {
    /// Where a session stands in this order.
    pub fn position(self, head: &Head) -> Position {
        Position {
            at: self.time(head),
            id: head.id.clone(),
        }
    }

    /// The time by which a session is ordered.
    fn time(self, head: &Head) -> Timestamp {
        match self.by {
            OrderBy::CreatedAt => head.created_at,
            OrderBy::UpdatedAt => head.updated_at,
        }
    }

    /// Compares two sessions: the lesser comes first.
    pub fn compare(self, a: &Head, b: &Head) -> Ordering {
        self.directed((self.time(a), &a.id), (self.time(b), &b.id))
    }

    /// Compares a session with a position: a greater session comes after it.
    pub fn compare_to(self, head: &Head, position: &Position) -> Ordering {
        self.directed((self.time(head), &head.id), (position.at, &position.id))
    }

    /// Compares two positions: the lesser comes first.
    pub fn compare_positions(self, a: &Position, b: &Position) -> Ordering {
        self.directed((a.at, &a.id), (b.at, &b.id))
    }

    fn directed(self, a: (Timestamp, &SessionId), b: (Timestamp, &SessionId)) -> Ordering {
        match self.direction {
            Direction::Asc => a.cmp(&b),
            Direction::Desc => b.cmp(&a),
        }
    }
}

/// A place in an ordered list: just after the session that stood here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The ordering time of that session.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub at: Timestamp,
    /// The id of that session.
    pub id: SessionId,
}

impl Position {
    /// The position as a cursor for callers, who pass it back unread. It names the order it is for.
    pub fn to_cursor(&self, order: Order) -> String {
        format!("{}.{}.{}", prefix(order), self.at.as_millis(), self.id)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// `INVALID_CURSOR` when it is not one of ours, or for another order.
    pub fn from_cursor(cursor: &str, order: Order) -> Result<Self> {
        let read = || {
            let rest = cursor.strip_prefix(prefix(order))?.strip_prefix('.')?;
            let (at, id) = rest.split_once('.')?;
            Some(Self {
                at: Timestamp::from_millis(at.parse().ok()?).ok()?,
                id: SessionId::parse(id).ok()?,
            })
        };
        read().ok_or(Cause::InvalidCursor.into())
    }
}

fn prefix(order: Order) -> &'static str {
    match (order.by, order.direction) {
        (OrderBy::CreatedAt, Direction::Desc) => "cd",
        (OrderBy::CreatedAt, Direction::Asc) => "ca",
        (OrderBy::UpdatedAt, Direction::Desc) => "ud",
        (OrderBy::UpdatedAt, Direction::Asc) => "ua",
    }
}

crate::word_properties! {
    Direction: "desc" => Desc, "asc" => Asc;
    OrderBy: "createdAt" => CreatedAt, "updatedAt" => UpdatedAt;
    Trash: "exclude" => Exclude, "only" => Only, "include" => Include;
}

//! The columns of a head, and their values.

use std::borrow::Cow;

use tenure_core::{Head, Json, SessionId, Timestamp};

use crate::count::stored;

/// The names of the columns of a head, in the order that [`read_head`](crate::read_head) and [`head_values`] use. It is a
/// literal, so that it can be a part of one.
#[macro_export]
macro_rules! head_columns {
    () => {
        "id, version, status, user_id, channel_id, mode, created_at, updated_at, iterations, \
         max_iterations, event_count, prompt_tokens, completion_tokens, cost_nanos, paused_at, \
         finalized_at, deleted_at, phase, resume_ready, error_count, last_error_at, last_error, \
         summary, task_id, slot_phase, model, model_details, parent_id, workspace, task, result, \
         error, metadata, context, approval, approval_requested_at, approval_by, \
         approval_decided_at, result_data"
    };
}

/// How many columns a head has.
pub const HEAD_COUNT: usize = 39;

/// The value of a column; `None` is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number or a time in milliseconds.
    Integer(Option<i64>),
    /// A truth value.
    Boolean(Option<bool>),
    /// A text.
    Text(Option<Cow<'a, str>>),
}

/// The values of a head, in the order of [`head_columns!`](crate::head_columns).
#[must_use]
pub fn head_values(head: &Head) -> [Value<'_>; HEAD_COUNT] {
    let agent = head.agent.as_ref();
    let error = agent.and_then(|agent| agent.last_error.as_ref());
    let approval = agent.and_then(|agent| agent.approval.as_ref());
    let slot = head.slot.as_ref();
    let details = slot.and_then(|slot| slot.details.as_ref());
    [
        text(head.id.as_str()),
        count(head.version),
        text(head.status.as_str()),
        optional_text(head.user_id.as_deref()),
        optional_text(head.channel_id.as_deref()),
        text(&head.mode),
        time(Some(head.created_at)),
        time(Some(head.updated_at)),
        count(head.iterations.into()),
        count(head.max_iterations.into()),
        count(head.event_count),
        count(head.usage.prompt_tokens),
        count(head.usage.completion_tokens),
        count(head.usage.cost_nanos),
        time(head.paused_at),
        time(head.finalized_at),
        time(head.deleted_at),
        optional_text(agent.map(|agent| agent.phase.as_str())),
        Value::Boolean(agent.map(|agent| agent.resume_ready)),
        Value::Integer(agent.map(|agent| agent.error_count.into())),
        time(error.map(|error| error.timestamp)),
        optional_text(error.map(|error| error.message.as_str())),
        optional_text(agent.and_then(|agent| agent.summary.as_deref())),
        optional_text(slot.map(|slot| slot.task_id.as_str())),
        optional_text(slot.map(|slot| slot.phase.as_str())),
        Value::Text(head.model()),
        optional_text(details.map(Json::as_str)),
        optional_text(head.parent_id.as_ref().map(SessionId::as_str)),
        optional_text(head.workspace.as_deref()),
        text(&head.task),
        optional_text(head.result.as_deref()),
        optional_text(head.error.as_deref()),
        optional_text(head.metadata.as_ref().map(Json::as_str)),
        text(head.context.as_str()),
        optional_text(approval.map(|approval| approval.state.as_str())),
        time(approval.map(|approval| approval.requested_at)),
        optional_text(approval.and_then(|approval| approval.by.as_deref())),
        time(approval.and_then(|approval| approval.decided_at)),
        optional_text(head.result_data.as_ref().map(Json::as_str)),
    ]
}

fn text(text: &str) -> Value<'_> {
    optional_text(Some(text))
}

fn optional_text(text: Option<&str>) -> Value<'_> {
    Value::Text(text.map(Cow::Borrowed))
}

fn count(count: u64) -> Value<'static> {
    Value::Integer(Some(stored(count)))
}

fn time(time: Option<Timestamp>) -> Value<'static> {
    Value::Integer(time.map(Timestamp::as_millis))
}

#[cfg(test)]
mod tests {
    use super::HEAD_COUNT;

    #[test]
    fn as_many_columns_are_named_as_there_are_values() {
        assert_eq!(head_columns!().split(", ").count(), HEAD_COUNT);
    }
}

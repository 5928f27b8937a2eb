//! Tool calls with a start and an end. A record of the session lists the calls that are unfinished, so
//! that a call which a crash has cut off is known after a restart.

use crate::error::{Error, cut};
use crate::store::Record;
use crate::value::id::SessionId;
use crate::value::json::{Json, Object};
use crate::value::text::Text;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::change::append;
use super::params::{ChangeParams, FinishToolCallParams, StartToolCallParams};
use super::replies::Appended;

/// The kind of the records. Their keys are the ids of sessions.
pub const KIND: &str = "tool_calls";
/// The property of a record with the list of calls.
const CALLS: &str = "calls";
/// The property of a call with its id.
const CALL_ID: &str = "callId";
/// The greatest number of unfinished calls of a session.
const MAX_UNFINISHED: usize = 100;

crate::operations! {
    Group::Sessions;
    /// Records the start of a tool call, and adds the tool to `metadata.toolsUsed`. The context of the
    /// session lists the call until it is finished.
    START_TOOL_CALL = Write "startToolCall" (StartToolCallParams) -> Appended, unit start,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"tool":"t","args":[1],"callId":"c"}"#;
    /// Records the end of a tool call that was started, as an event `tool_call` with its result.
    FINISH_TOOL_CALL = Write "finishToolCall" (FinishToolCallParams) -> Appended, unit finish,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"callId":"c","result":2}"#;
}

fn start(tx: &mut Transaction<'_>, params: &StartToolCallParams) -> Attempt<Appended> {
    let id = params.target()?.id;
    let given = params.call_id.as_ref().map(Text::as_str);
    if given == Some("") {
        return Err(Error::invalid(CALL_ID, "expected 1 character or more").into());
    }
    tx.limits().label(CALL_ID, params.call_id.as_ref())?;
    if given.is_some_and(|id| tx.limits().redact.text(id) != id) {
        // What is stored could not be found again.
        return Err(Error::invalid(CALL_ID, "it looks like a secret").into());
    }
    let call_id = |sequence: u64| given.map_or_else(|| format!("call_{sequence}"), str::to_owned);
    let args = params.args.clone().unwrap_or_default();
    let mut appended = append(tx, params, &|draft| {
        let call_id = call_id(draft.head().event_count + 1);
        draft.start_tool_call(&params.tool, &args, &call_id)
    })?;
    let call_id = call_id(appended.first_sequence);
    if !appended.replayed {
        let mut calls = unfinished(tx, &id)?;
        if calls.len() >= MAX_UNFINISHED {
            let problem = format!("{MAX_UNFINISHED} calls are unfinished; finish one first");
            return Err(Error::invalid("unfinishedToolCalls", problem).into());
        }
        if position(&calls, &call_id).is_some() {
            return Err(Error::invalid(CALL_ID, "the call of this id is unfinished").into());
        }
        let mut call = Object::default();
        call.set(CALL_ID, &call_id);
        call.set("tool", &params.tool);
        call.set("args", &args);
        call.set("startedAt", &tx.now());
        calls.push(tx.limits().redact.json(&call.to_json()));
        put(tx, &id, &calls)?;
    }
    appended.call_id = Some(call_id);
    Ok(appended)
}

fn finish(tx: &mut Transaction<'_>, params: &FinishToolCallParams) -> Attempt<Appended> {
    let id = params.target()?.id;
    let mut calls = unfinished(tx, &id)?;
    let call = position(&calls, params.call_id.as_str()).map(|place| calls.remove(place));
    let appended = append(tx, params, &|draft| match &call {
        Some(call) => draft.finish_tool_call(call, params.result.as_ref()),
        None => {
            let given = cut(params.call_id.to_string());
            let problem = format!(
                "{given} is no unfinished call; `unfinishedToolCalls` of `context` has those"
            );
            Err(Error::invalid(CALL_ID, problem))
        }
    })?;
    if !appended.replayed {
        put(tx, &id, &calls)?;
    }
    Ok(appended)
}

/// The calls of a session that were started and not finished, in their order.
///
/// # Errors
/// Those of the store.
pub(super) fn unfinished(tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<Vec<Json>> {
    let Some(record) = tx.record(KIND, id.as_str())? else {
        return Ok(Vec::new());
    };
    let list = Json::parse(&record.body)?;
    Ok(Object::parse(&list).read(CALLS).unwrap_or_default())
}

/// Stores the list of a session's unfinished calls. An empty one stays, so that it takes the place of an
/// earlier one where the session is copied.
fn put(tx: &mut Transaction<'_>, id: &SessionId, calls: &Vec<Json>) -> Attempt<()> {
    let mut list = Object::default();
    list.set(CALLS, calls);
    tx.put_record(Record {
        kind: KIND.to_owned(),
        key: id.to_string(),
        version: 1,
        expires_at: None,
        owner: Some(id.clone()),
        body: list.to_json().as_str().to_owned(),
    })
}

/// The place of the call with this id.
fn position(calls: &[Json], call_id: &str) -> Option<usize> {
    let is_meant = |call: &Json| Object::parse(call).text(CALL_ID).as_deref() == Some(call_id);
    calls.iter().position(is_meant)
}

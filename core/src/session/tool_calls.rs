//! Tool calls with a start and an end. A started call has a record until it is finished, so that a call
//! which a crash has cut off is known after a restart. The session owns the records.

use crate::error::{Error, Result};
use crate::store::{Record, Scan};
use crate::stored::tool_call::UnfinishedToolCall;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::properties::Stored;
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::change::append;
use super::params::{ChangeParams, FinishToolCallParams, StartToolCallParams};
use super::replies::{Appended, StartedToolCall};

/// The kind of the records.
const KIND: &str = "tool_call";
/// The greatest number of unfinished calls that a context lists.
const MAX_LISTED: u32 = 100;

crate::operations! {
    Group::Sessions;
    /// Records the start of a tool call, and adds the tool to `metadata.toolsUsed`. The context of the
    /// session lists the call until it is finished.
    START_TOOL_CALL = Write "startToolCall" (StartToolCallParams) -> StartedToolCall, unit start,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"tool":"t","args":[1],"callId":"c"}"#;
    /// Records the end of a tool call that was started, as an event `tool_call` with its result.
    FINISH_TOOL_CALL = Write "finishToolCall" (FinishToolCallParams) -> Appended, unit finish,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"callId":"c","result":2}"#;
}

fn start(tx: &mut Transaction<'_>, params: &StartToolCallParams) -> Attempt<StartedToolCall> {
    let target = params.target()?;
    let given = params.call_id.as_ref().map(Text::as_str);
    if given == Some("") {
        return Err(Error::invalid("callId", "expected 1 character or more").into());
    }
    tx.limits().label("callId", params.call_id.as_ref())?;
    let args = params.args.clone().unwrap_or_default();
    let appended = append(tx, params, &|draft| {
        let call_id = call_id(given, draft.head().event_count + 1);
        draft.start_tool_call(&params.tool, &args, &call_id)
    })?;
    let call_id = call_id(given, appended.first_sequence);
    if !appended.replayed {
        let key = key(&target.id, &call_id);
        if tx.record(KIND, &key)?.is_some() {
            let problem = format!("the call {call_id} was started, and is not finished");
            return Err(Error::invalid("callId", problem).into());
        }
        let redact = &tx.limits().redact;
        let call = UnfinishedToolCall {
            call_id: call_id.clone(),
            tool: redact.text(params.tool.as_str()).into_owned(),
            args: redact.json(&args),
            started_at: tx.now(),
        };
        tx.put_record(Record {
            kind: KIND.to_owned(),
            key,
            version: 1,
            expires_at: None,
            owner: Some(target.id),
            body: Json::of(&call).as_str().to_owned(),
        })?;
    }
    Ok(StartedToolCall { call_id, appended })
}

fn finish(tx: &mut Transaction<'_>, params: &FinishToolCallParams) -> Attempt<Appended> {
    let key = key(&params.target()?.id, params.call_id.as_str());
    let started = tx.record(KIND, &key)?;
    let call = started.map(|record| UnfinishedToolCall::read("call", &record.body));
    let call = call.transpose()?;
    let appended = append(tx, params, &|draft| match &call {
        Some(call) => draft.finish_tool_call(call, params.result.as_ref()),
        None => Err(Error::invalid(
            "callId",
            "no call of this id was started and not finished",
        )),
    })?;
    if !appended.replayed {
        tx.remove_record(KIND, &key)?;
    }
    Ok(appended)
}

/// The calls of a session that were started and not finished, in the order of their ids.
///
/// # Errors
/// `STORE_MISBEHAVED` for a record that is no call, and those of the store.
pub(super) async fn unfinished(
    context: &Context,
    id: &SessionId,
) -> Result<Vec<UnfinishedToolCall>> {
    let first = key(id, "");
    let scan = Scan {
        kind: KIND.to_owned(),
        after: Some(first.clone()),
        limit: MAX_LISTED,
    };
    let records = context.scan(&scan).await?;
    let own = records
        .iter()
        .take_while(|record| record.key.starts_with(&first));
    own.map(|record| UnfinishedToolCall::read("call", &record.body))
        .collect()
}

/// The id of a call: the given one, or one after the sequence number of its first event.
fn call_id(given: Option<&str>, sequence: u64) -> String {
    given.map_or_else(|| format!("call_{sequence}"), str::to_owned)
}

/// No id of a session has a slash in it.
fn key(id: &SessionId, call_id: &str) -> String {
    format!("{id}/{call_id}")
}

//! Conversion between the head of a session and a row. A row may be damaged or edited by hand, so
//! reading reports what is wrong with it.

use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::head::Usage;
use tenure_core::stored::record::Record;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Event, Head, Json, Phase, SessionId, Status, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::request::Value;

/// The columns of a head, in the order that [`read_head`] and [`head_values`] use.
pub(crate) const HEAD: [&str; 39] = [
    "id",
    "version",
    "status",
    "user_id",
    "channel_id",
    "mode",
    "created_at",
    "updated_at",
    "iterations",
    "max_iterations",
    "event_count",
    "prompt_tokens",
    "completion_tokens",
    "cost_nanos",
    "paused_at",
    "finalized_at",
    "deleted_at",
    "phase",
    "resume_ready",
    "error_count",
    "last_error_at",
    "last_error",
    "summary",
    "task_id",
    "slot_phase",
    "model",
    "model_details",
    "parent_id",
    "workspace",
    "task",
    "result",
    "error",
    "metadata",
    "context",
    "approval",
    "approval_requested_at",
    "approval_by",
    "approval_decided_at",
    "result_data",
];

/// The value of `updated_period`: the ten seconds in which a session was updated.
pub(crate) fn period(updated_at: Timestamp) -> i64 {
    updated_at.as_millis().div_euclid(10_000)
}

/// The columns of an event.
pub(crate) const EVENT: &str = "sequence, timestamp, type, data";
/// The columns of a record.
pub(crate) const RECORD: &str = "kind, key, version, expires_at, owner, body";

/// A description of a damaged row.
pub(crate) type Damage = String;

/// Reads a head from a row of [`HEAD`].
pub(crate) fn read_head(row: &Row) -> Result<Head, Damage> {
    let columns = Columns(row);
    Ok(Head {
        id: columns.id(0, "id")?,
        version: columns.count(1, "version")?,
        status: status(columns.text(2, "status")?)?,
        user_id: columns.optional_text(3, "user_id")?,
        channel_id: columns.optional_text(4, "channel_id")?,
        mode: columns.text(5, "mode")?.to_owned(),
        created_at: columns.time(6, "created_at")?,
        updated_at: columns.time(7, "updated_at")?,
        iterations: columns.small_count(8, "iterations")?,
        max_iterations: columns.small_count(9, "max_iterations")?,
        event_count: columns.count(10, "event_count")?,
        usage: Usage {
            prompt_tokens: columns.count(11, "prompt_tokens")?,
            completion_tokens: columns.count(12, "completion_tokens")?,
            cost_nanos: columns.count(13, "cost_nanos")?,
        },
        paused_at: columns.optional_time(14, "paused_at")?,
        finalized_at: columns.optional_time(15, "finalized_at")?,
        deleted_at: columns.optional_time(16, "deleted_at")?,
        agent: columns.agent(17, 34)?.map(Box::new),
        slot: columns.slot(23)?.map(Box::new),
        parent_id: columns.optional_id(27, "parent_id")?,
        workspace: columns.optional_text(28, "workspace")?,
        task: columns.text(29, "task")?.to_owned(),
        result: columns.optional_text(30, "result")?,
        result_data: columns.optional_json(38, "result_data")?,
        error: columns.optional_text(31, "error")?,
        metadata: columns.optional_json(32, "metadata")?,
        context: columns.json(33, "context")?,
    })
}

/// The values of a head, in the order of [`HEAD`].
pub(crate) fn head_values(head: &Head) -> [Value<'_>; 39] {
    let time = |time: Option<Timestamp>| Value::from(time.map(Timestamp::as_millis));
    let agent = head.agent.as_ref();
    let error = agent.and_then(|agent| agent.last_error.as_ref());
    let slot = head.slot.as_ref();
    let details = slot.and_then(|slot| slot.details.as_ref());
    let approval = agent.and_then(|agent| agent.approval.as_ref());
    [
        head.id.as_str().into(),
        stored(head.version).into(),
        head.status.as_str().into(),
        head.user_id.as_deref().into(),
        head.channel_id.as_deref().into(),
        head.mode.as_str().into(),
        head.created_at.as_millis().into(),
        head.updated_at.as_millis().into(),
        i64::from(head.iterations).into(),
        i64::from(head.max_iterations).into(),
        stored(head.event_count).into(),
        stored(head.usage.prompt_tokens).into(),
        stored(head.usage.completion_tokens).into(),
        stored(head.usage.cost_nanos).into(),
        time(head.paused_at),
        time(head.finalized_at),
        time(head.deleted_at),
        agent.map(|agent| agent.phase.as_str()).into(),
        agent.map(|agent| agent.resume_ready).into(),
        agent.map(|agent| i64::from(agent.error_count)).into(),
        time(error.map(|error| error.timestamp)),
        error.map(|error| error.message.as_str()).into(),
        agent.and_then(|agent| agent.summary.as_deref()).into(),
        slot.map(|slot| slot.task_id.as_str()).into(),
        slot.map(|slot| slot.phase.as_str()).into(),
        Value::Text(head.model()),
        details.map(Json::as_str).into(),
        head.parent_id.as_ref().map(SessionId::as_str).into(),
        head.workspace.as_deref().into(),
        head.task.as_str().into(),
        head.result.as_deref().into(),
        head.error.as_deref().into(),
        head.metadata.as_ref().map(Json::as_str).into(),
        head.context.as_str().into(),
        approval.map(|approval| approval.state.as_str()).into(),
        time(approval.map(|approval| approval.requested_at)),
        approval.and_then(|approval| approval.by.as_deref()).into(),
        time(approval.and_then(|approval| approval.decided_at)),
        head.result_data.as_ref().map(Json::as_str).into(),
    ]
}

/// Reads an event from a row of [`EVENT`].
pub(crate) fn read_event(row: &Row) -> Result<Event, Damage> {
    let columns = Columns(row);
    Ok(Event {
        sequence: columns.count(0, "sequence")?,
        timestamp: columns.time(1, "timestamp")?,
        kind: columns.text(2, "type")?.to_owned(),
        data: columns.json(3, "data")?,
    })
}

/// Reads a record from a row of [`RECORD`].
pub(crate) fn read_record(row: &Row) -> Result<Record, Damage> {
    let columns = Columns(row);
    let kind = columns.text(0, "kind")?.to_owned();
    let read = || {
        Ok(Record {
            kind: kind.clone(),
            key: columns.text(1, "key")?.to_owned(),
            version: columns.count(2, "version")?,
            expires_at: columns.optional_time(3, "expires_at")?,
            owner: columns.optional_id(4, "owner")?,
            body: columns.text(5, "body")?.to_owned(),
        })
    };
    read().map_err(|damage: Damage| format!("a record of kind {kind:?} is damaged: {damage}"))
}

/// The text of a column, which identifies a damaged row.
pub(crate) fn any_text(row: &Row, column: usize) -> String {
    optional_any_text(row, column).unwrap_or_default()
}

/// As [`any_text`], of a column that may be empty.
pub(crate) fn optional_any_text(row: &Row, column: usize) -> Option<String> {
    row.try_get::<_, Option<&str>>(column)
        .ok()?
        .map(str::to_owned)
}

/// A count as PostgreSQL stores it. Counts from 2^63 on become negative, and are converted back.
pub(crate) fn stored(count: u64) -> i64 {
    count.cast_signed()
}

/// A count that was read from PostgreSQL.
pub(crate) fn restored(count: i64) -> u64 {
    count.cast_unsigned()
}

fn status(name: &str) -> Result<Status, Damage> {
    Status::parse(name).ok_or_else(|| format!("{name:?} is no status"))
}

fn time(millis: i64, name: &str) -> Result<Timestamp, Damage> {
    Timestamp::from_millis(millis).map_err(|error| format!("{name}: {error}"))
}

/// A value of a column, which must have this type.
pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Damage> {
    // What is wrong with a value is in the source, without the value.
    let problem = |error: tokio_postgres::Error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        source.unwrap_or_else(|| error.to_string())
    };
    row.try_get(column).map_err(problem)
}

struct Columns<'r>(&'r Row);

impl<'r> Columns<'r> {
    fn get<T: FromSql<'r>>(&self, column: usize, name: &str) -> Result<T, Damage> {
        get(self.0, column).map_err(|problem| format!("{name}: {problem}"))
    }

    fn text(&self, column: usize, name: &str) -> Result<&'r str, Damage> {
        self.get(column, name)
    }

    fn optional_text(&self, column: usize, name: &str) -> Result<Option<String>, Damage> {
        let text: Option<&str> = self.get(column, name)?;
        Ok(text.map(str::to_owned))
    }

    fn integer(&self, column: usize, name: &str) -> Result<i64, Damage> {
        self.get(column, name)
    }

    fn count(&self, column: usize, name: &str) -> Result<u64, Damage> {
        self.integer(column, name).map(restored)
    }

    fn small_count(&self, column: usize, name: &str) -> Result<u32, Damage> {
        let integer = self.integer(column, name)?;
        u32::try_from(integer).map_err(|_| format!("{name} is {integer}"))
    }

    fn time(&self, column: usize, name: &str) -> Result<Timestamp, Damage> {
        time(self.integer(column, name)?, name)
    }

    fn optional_time(&self, column: usize, name: &str) -> Result<Option<Timestamp>, Damage> {
        let millis: Option<i64> = self.get(column, name)?;
        millis.map(|millis| time(millis, name)).transpose()
    }

    fn id(&self, column: usize, name: &str) -> Result<SessionId, Damage> {
        SessionId::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }

    fn optional_id(&self, column: usize, name: &str) -> Result<Option<SessionId>, Damage> {
        let id: Option<&str> = self.get(column, name)?;
        id.map(SessionId::parse)
            .transpose()
            .map_err(|error| format!("{name}: {error}"))
    }

    /// The columns of an agent, from `first`, and of its approval. The first one shows whether there is
    /// an agent.
    fn agent(&self, first: usize, approval: usize) -> Result<Option<Agent>, Damage> {
        let Some(name) = self.get::<Option<&str>>(first, "phase")? else {
            return Ok(None);
        };
        let phase = Phase::parse(name).ok_or_else(|| format!("{name:?} is no phase"))?;
        let last_error = match self.optional_text(first + 4, "last_error")? {
            None => None,
            Some(message) => Some(StoredError {
                message,
                timestamp: self.time(first + 3, "last_error_at")?,
            }),
        };
        Ok(Some(Agent {
            phase,
            resume_ready: self.get(first + 1, "resume_ready")?,
            error_count: self.small_count(first + 2, "error_count")?,
            last_error,
            summary: self.optional_text(first + 5, "summary")?,
            approval: self.approval(approval)?,
        }))
    }

    /// The columns of an approval. The first one shows whether there is one.
    fn approval(&self, first: usize) -> Result<Option<StoredApproval>, Damage> {
        let Some(name) = self.get::<Option<&str>>(first, "approval")? else {
            return Ok(None);
        };
        Ok(Some(StoredApproval {
            state: ApprovalState::parse(name)
                .ok_or_else(|| format!("{name:?} is no state of an approval"))?,
            requested_at: self.time(first + 1, "approval_requested_at")?,
            by: self.optional_text(first + 2, "approval_by")?,
            decided_at: self.optional_time(first + 3, "approval_decided_at")?,
        }))
    }

    /// The columns of a slot. The first one shows whether there is a slot.
    fn slot(&self, first: usize) -> Result<Option<Slot>, Damage> {
        let Some(task_id) = self.optional_text(first, "task_id")? else {
            return Ok(None);
        };
        let name = self.text(first + 1, "slot_phase")?;
        Ok(Some(Slot {
            task_id,
            phase: SlotPhase::parse(name)
                .ok_or_else(|| format!("{name:?} is no phase of a slot"))?,
            model: self.text(first + 2, "model")?.to_owned(),
            details: self.optional_json(first + 3, "model_details")?,
        }))
    }

    fn optional_json(&self, column: usize, name: &str) -> Result<Option<Json>, Damage> {
        let text: Option<&str> = self.get(column, name)?;
        text.map(Json::parse)
            .transpose()
            .map_err(|error| format!("{name}: {error}"))
    }

    fn json(&self, column: usize, name: &str) -> Result<Json, Damage> {
        Json::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }
}

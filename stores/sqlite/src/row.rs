//! Conversion between the head of a session and a row. A row may be damaged or edited by hand, so
//! reading reports what is wrong with it.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::head::Usage;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Event, Head, Json, Phase, SessionId, Status, Timestamp};

/// The columns of a head, in the order that [`read_head`] and [`bind_head`] use.
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
pub(crate) use head_columns;

/// The column with the key of a row, in statements that select [`head_columns`].
pub(crate) const KEY: usize = 39;

/// A description of a damaged row.
pub(crate) type Damage = String;

/// Reads a head from a row of [`head_columns`].
pub(crate) fn read_head(row: &Row<'_>) -> Result<Head, Damage> {
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
        parent_id: match columns.is_null(27) {
            true => None,
            false => Some(columns.id(27, "parent_id")?),
        },
        workspace: columns.optional_text(28, "workspace")?,
        task: columns.text(29, "task")?.to_owned(),
        result: columns.optional_text(30, "result")?,
        result_data: columns.optional_json(38, "result_data")?,
        error: columns.optional_text(31, "error")?,
        metadata: columns.optional_json(32, "metadata")?,
        context: columns.json(33, "context")?,
    })
}

/// Binds a head to the parameters 1 to 39 of a statement, in the order of [`head_columns`].
pub(crate) fn bind_head(statement: &mut Statement<'_>, head: &Head) -> rusqlite::Result<()> {
    let time = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    statement.raw_bind_parameter(1, head.id.as_str())?;
    statement.raw_bind_parameter(2, stored(head.version))?;
    statement.raw_bind_parameter(3, head.status.as_str())?;
    statement.raw_bind_parameter(4, head.user_id.as_deref())?;
    statement.raw_bind_parameter(5, head.channel_id.as_deref())?;
    statement.raw_bind_parameter(6, &*head.mode)?;
    statement.raw_bind_parameter(7, head.created_at.as_millis())?;
    statement.raw_bind_parameter(8, head.updated_at.as_millis())?;
    statement.raw_bind_parameter(9, head.iterations)?;
    statement.raw_bind_parameter(10, head.max_iterations)?;
    statement.raw_bind_parameter(11, stored(head.event_count))?;
    statement.raw_bind_parameter(12, stored(head.usage.prompt_tokens))?;
    statement.raw_bind_parameter(13, stored(head.usage.completion_tokens))?;
    statement.raw_bind_parameter(14, stored(head.usage.cost_nanos))?;
    statement.raw_bind_parameter(15, time(head.paused_at))?;
    statement.raw_bind_parameter(16, time(head.finalized_at))?;
    statement.raw_bind_parameter(17, time(head.deleted_at))?;
    let agent = head.agent.as_ref();
    let error = agent.and_then(|agent| agent.last_error.as_ref());
    let summary = agent.and_then(|agent| agent.summary.as_deref());
    statement.raw_bind_parameter(18, agent.map(|agent| agent.phase.as_str()))?;
    statement.raw_bind_parameter(19, agent.map(|agent| agent.resume_ready))?;
    statement.raw_bind_parameter(20, agent.map(|agent| agent.error_count))?;
    statement.raw_bind_parameter(21, time(error.map(|error| error.timestamp)))?;
    statement.raw_bind_parameter(22, error.map(|error| &*error.message))?;
    statement.raw_bind_parameter(23, summary)?;
    let slot = head.slot.as_ref();
    let details = slot.and_then(|slot| slot.details.as_ref());
    statement.raw_bind_parameter(24, slot.map(|slot| &*slot.task_id))?;
    statement.raw_bind_parameter(25, slot.map(|slot| slot.phase.as_str()))?;
    statement.raw_bind_parameter(26, head.model().as_deref())?;
    statement.raw_bind_parameter(27, details.map(Json::as_str))?;
    statement.raw_bind_parameter(28, head.parent_id.as_ref().map(SessionId::as_str))?;
    statement.raw_bind_parameter(29, head.workspace.as_deref())?;
    statement.raw_bind_parameter(30, &*head.task)?;
    statement.raw_bind_parameter(31, head.result.as_deref())?;
    statement.raw_bind_parameter(32, head.error.as_deref())?;
    statement.raw_bind_parameter(33, head.metadata.as_ref().map(Json::as_str))?;
    statement.raw_bind_parameter(34, head.context.as_str())?;
    let approval = agent.and_then(|agent| agent.approval.as_ref());
    let requested_at = approval.map(|approval| approval.requested_at);
    statement.raw_bind_parameter(35, approval.map(|approval| approval.state.as_str()))?;
    statement.raw_bind_parameter(36, time(requested_at))?;
    statement.raw_bind_parameter(37, approval.and_then(|approval| approval.by.as_deref()))?;
    let decided_at = approval.and_then(|approval| approval.decided_at);
    statement.raw_bind_parameter(38, time(decided_at))?;
    statement.raw_bind_parameter(39, head.result_data.as_ref().map(Json::as_str))
}

/// Reads an event from a row of `sequence, timestamp, type, data`.
pub(crate) fn read_event(row: &Row<'_>) -> Result<Event, Damage> {
    let columns = Columns(row);
    Ok(Event {
        sequence: columns.count(0, "sequence")?,
        timestamp: columns.time(1, "timestamp")?,
        kind: columns.text(2, "type")?.to_owned(),
        data: columns.json(3, "data")?,
    })
}

/// The text of a column of any type, which identifies a damaged row.
pub(crate) fn any_text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// As [`any_text`], of a column that may be empty.
pub(crate) fn optional_any_text(row: &Row<'_>, column: usize) -> Option<String> {
    let is_null = matches!(row.get_ref(column), Ok(ValueRef::Null));
    (!is_null).then(|| any_text(row, column))
}

/// A count as SQLite stores it. Counts from 2^63 on become negative, and are converted back.
pub(crate) fn stored(count: u64) -> i64 {
    count.cast_signed()
}

/// A count that was read from SQLite.
pub(crate) fn restored(count: i64) -> u64 {
    count.cast_unsigned()
}

fn status(name: &str) -> Result<Status, Damage> {
    Status::parse(name).ok_or_else(|| format!("{name:?} is no status"))
}

fn text<'r>(value: ValueRef<'r>, name: &str) -> Result<&'r str, Damage> {
    match value {
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))
        }
        other => Err(format!("{name} is {}, not text", other.data_type())),
    }
}

fn integer(value: ValueRef<'_>, name: &str) -> Result<i64, Damage> {
    match value {
        ValueRef::Integer(integer) => Ok(integer),
        other => Err(format!("{name} is {}, not an integer", other.data_type())),
    }
}

fn time(millis: i64, name: &str) -> Result<Timestamp, Damage> {
    Timestamp::from_millis(millis).map_err(|error| format!("{name}: {error}"))
}

struct Columns<'r>(&'r Row<'r>);

impl<'r> Columns<'r> {
    fn value(&self, column: usize, name: &str) -> Result<ValueRef<'r>, Damage> {
        self.0
            .get_ref(column)
            .map_err(|error| format!("{name}: {error}"))
    }

    fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get_ref(column), Ok(ValueRef::Null))
    }

    fn text(&self, column: usize, name: &str) -> Result<&'r str, Damage> {
        text(self.value(column, name)?, name)
    }

    fn optional_text(&self, column: usize, name: &str) -> Result<Option<String>, Damage> {
        match self.value(column, name)? {
            ValueRef::Null => Ok(None),
            value => text(value, name).map(|text| Some(text.to_owned())),
        }
    }

    fn integer(&self, column: usize, name: &str) -> Result<i64, Damage> {
        integer(self.value(column, name)?, name)
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
        match self.value(column, name)? {
            ValueRef::Null => Ok(None),
            value => time(integer(value, name)?, name).map(Some),
        }
    }

    fn id(&self, column: usize, name: &str) -> Result<SessionId, Damage> {
        SessionId::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// The columns of an agent, from `first`, and of its approval. The first one shows whether there is
    /// an agent.
    fn agent(&self, first: usize, approval: usize) -> Result<Option<Agent>, Damage> {
        if self.is_null(first) {
            return Ok(None);
        }
        let name = self.text(first, "phase")?;
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
            resume_ready: self.integer(first + 1, "resume_ready")? != 0,
            error_count: self.small_count(first + 2, "error_count")?,
            last_error,
            summary: self.optional_text(first + 5, "summary")?,
            approval: self.approval(approval)?,
        }))
    }

    /// The columns of an approval. The first one shows whether there is one.
    fn approval(&self, first: usize) -> Result<Option<StoredApproval>, Damage> {
        if self.is_null(first) {
            return Ok(None);
        }
        let name = self.text(first, "approval")?;
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
        if self.is_null(first) {
            return Ok(None);
        }
        let name = self.text(first + 1, "slot_phase")?;
        Ok(Some(Slot {
            task_id: self.text(first, "task_id")?.to_owned(),
            phase: SlotPhase::parse(name)
                .ok_or_else(|| format!("{name:?} is no phase of a slot"))?,
            model: self.text(first + 2, "model")?.to_owned(),
            details: self.optional_json(first + 3, "model_details")?,
        }))
    }

    fn optional_json(&self, column: usize, name: &str) -> Result<Option<Json>, Damage> {
        match self.is_null(column) {
            true => Ok(None),
            false => self.json(column, name).map(Some),
        }
    }

    fn json(&self, column: usize, name: &str) -> Result<Json, Damage> {
        Json::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }
}

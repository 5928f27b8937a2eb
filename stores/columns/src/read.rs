//! Reading rows. A row may be damaged or edited by hand, so reading reports what is wrong with it.

use tenure_core::stored::agent::{Agent, StoredError};
use tenure_core::stored::approval::{ApprovalState, StoredApproval};
use tenure_core::stored::head::Usage;
use tenure_core::stored::record::Record;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Event, Head, Json, Phase, SessionId, Status, Timestamp};

use crate::count::restored;

/// A description of a damaged row.
pub type Damage = String;

/// The columns of a row. A store implements the first four methods; `name` is that of the column, for what is said
/// about its damage.
pub trait Columns<'r> {
    /// Whether a column is empty.
    ///
    /// # Errors
    ///
    /// If there is no such column.
    fn is_null(&self, column: usize, name: &str) -> Result<bool, Damage>;

    /// The text of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn text(&self, column: usize, name: &str) -> Result<&'r str, Damage>;

    /// The integer of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn integer(&self, column: usize, name: &str) -> Result<i64, Damage>;

    /// The truth value of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn boolean(&self, column: usize, name: &str) -> Result<bool, Damage>;

    /// What `read` makes of a column, or `None` if the column is empty.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    fn optional<T>(
        &self,
        column: usize,
        name: &str,
        read: impl FnOnce(&Self, usize, &str) -> Result<T, Damage>,
    ) -> Result<Option<T>, Damage> {
        match self.is_null(column, name)? {
            true => Ok(None),
            false => read(self, column, name).map(Some),
        }
    }

    /// The text of a column, as one of its own.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn owned_text(&self, column: usize, name: &str) -> Result<String, Damage> {
        self.text(column, name).map(str::to_owned)
    }

    /// The count of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn count(&self, column: usize, name: &str) -> Result<u64, Damage> {
        self.integer(column, name).map(restored)
    }

    /// The count of a column, of 32 bits.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn small_count(&self, column: usize, name: &str) -> Result<u32, Damage> {
        let integer = self.integer(column, name)?;
        u32::try_from(integer).map_err(|_| format!("{name} is {integer}"))
    }

    /// The time of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn time(&self, column: usize, name: &str) -> Result<Timestamp, Damage> {
        let millis = self.integer(column, name)?;
        Timestamp::from_millis(millis).map_err(|error| format!("{name}: {error}"))
    }

    /// The id of a session in a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn id(&self, column: usize, name: &str) -> Result<SessionId, Damage> {
        SessionId::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// The JSON of a column.
    ///
    /// # Errors
    ///
    /// If the column has another value.
    fn json(&self, column: usize, name: &str) -> Result<Json, Damage> {
        Json::parse(self.text(column, name)?).map_err(|error| format!("{name}: {error}"))
    }
}

/// Reads a head from a row of [`head_columns!`](crate::head_columns).
///
/// # Errors
///
/// If the row is damaged.
pub fn read_head<'r, C: Columns<'r>>(columns: &C) -> Result<Head, Damage> {
    let optional_text = |column, name| columns.optional(column, name, C::owned_text);
    let optional_time = |column, name| columns.optional(column, name, C::time);
    let optional_json = |column, name| columns.optional(column, name, C::json);
    Ok(Head {
        id: columns.id(0, "id")?,
        version: columns.count(1, "version")?,
        status: status(columns.text(2, "status")?)?,
        user_id: optional_text(3, "user_id")?,
        channel_id: optional_text(4, "channel_id")?,
        mode: columns.owned_text(5, "mode")?,
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
        paused_at: optional_time(14, "paused_at")?,
        finalized_at: optional_time(15, "finalized_at")?,
        deleted_at: optional_time(16, "deleted_at")?,
        // Columns that are written together are all empty if the first one is.
        agent: columns.optional(17, "phase", read_agent)?.map(Box::new),
        slot: columns.optional(23, "task_id", read_slot)?.map(Box::new),
        parent_id: columns.optional(27, "parent_id", C::id)?,
        workspace: optional_text(28, "workspace")?,
        task: columns.owned_text(29, "task")?,
        result: optional_text(30, "result")?,
        error: optional_text(31, "error")?,
        metadata: optional_json(32, "metadata")?,
        context: columns.json(33, "context")?,
        result_data: optional_json(38, "result_data")?,
    })
}

fn read_agent<'r, C: Columns<'r>>(columns: &C, first: usize, name: &str) -> Result<Agent, Damage> {
    let phase = columns.text(first, name)?;
    let last_error = columns.optional(first + 4, "last_error", |columns, column, name| {
        Ok(StoredError {
            message: columns.owned_text(column, name)?,
            timestamp: columns.time(first + 3, "last_error_at")?,
        })
    })?;
    Ok(Agent {
        phase: Phase::parse(phase).ok_or_else(|| format!("{phase:?} is no phase"))?,
        resume_ready: columns.boolean(first + 1, "resume_ready")?,
        error_count: columns.small_count(first + 2, "error_count")?,
        last_error,
        summary: columns.optional(first + 5, "summary", C::owned_text)?,
        approval: columns.optional(34, "approval", read_approval)?,
    })
}

fn read_approval<'r, C: Columns<'r>>(
    columns: &C,
    first: usize,
    name: &str,
) -> Result<StoredApproval, Damage> {
    let state = columns.text(first, name)?;
    Ok(StoredApproval {
        state: ApprovalState::parse(state)
            .ok_or_else(|| format!("{state:?} is no state of an approval"))?,
        requested_at: columns.time(first + 1, "approval_requested_at")?,
        by: columns.optional(first + 2, "approval_by", C::owned_text)?,
        decided_at: columns.optional(first + 3, "approval_decided_at", C::time)?,
    })
}

fn read_slot<'r, C: Columns<'r>>(columns: &C, first: usize, name: &str) -> Result<Slot, Damage> {
    let phase = columns.text(first + 1, "slot_phase")?;
    Ok(Slot {
        task_id: columns.owned_text(first, name)?,
        phase: SlotPhase::parse(phase).ok_or_else(|| format!("{phase:?} is no phase of a slot"))?,
        model: columns.owned_text(first + 2, "model")?,
        details: columns.optional(first + 3, "model_details", C::json)?,
    })
}

/// Reads an event from a row of `sequence, timestamp, type, data`.
///
/// # Errors
///
/// If the row is damaged.
pub fn read_event<'r>(columns: &impl Columns<'r>) -> Result<Event, Damage> {
    Ok(Event {
        sequence: columns.count(0, "sequence")?,
        timestamp: columns.time(1, "timestamp")?,
        kind: columns.owned_text(2, "type")?,
        data: columns.json(3, "data")?,
    })
}

/// Reads a record from a row of `kind, key, version, expires_at, owner, body`.
///
/// # Errors
///
/// If the row is damaged.
pub fn read_record<'r, C: Columns<'r>>(columns: &C) -> Result<Record, Damage> {
    let kind = columns.owned_text(0, "kind")?;
    let read = || {
        Ok(Record {
            kind: kind.clone(),
            key: columns.owned_text(1, "key")?,
            version: columns.count(2, "version")?,
            expires_at: columns.optional(3, "expires_at", C::time)?,
            owner: columns.optional(4, "owner", C::id)?,
            body: columns.owned_text(5, "body")?,
        })
    };
    read().map_err(|damage: Damage| format!("a record of kind {kind:?} is damaged: {damage}"))
}

/// Reads the name of a status.
///
/// # Errors
///
/// If there is no such status.
pub fn status(name: &str) -> Result<Status, Damage> {
    Status::parse(name).ok_or_else(|| format!("{name:?} is no status"))
}

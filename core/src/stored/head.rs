//! The session itself, in its two forms. A [`Head`] is what stores keep: everything about a session
//! but its history, user data as JSON text, times as milliseconds. A [`SessionHead`] is what callers
//! see: the same, with user data as JSON and times as text; [`Session`] adds the history.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::stored::agent::Agent;
use crate::stored::approval::{ApprovalState, StoredApproval};
use crate::stored::slot::Slot;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::{self, Json, Object};
use crate::value::properties::{AsText, Properties, Stored, decoded};
use crate::value::time::{self, Timestamp};

/// A session without its history, in the form that stores keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredHead"))]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The session's id.
    pub id: SessionId,
    /// Counts the commits that changed the session, from 1; guards every write.
    pub version: u64,
    /// The user it runs for.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The channel it was started in.
    #[serde(default)]
    pub channel_id: Option<String>,
    /// The kind of agent.
    pub mode: String,
    /// What the agent is to do.
    pub task: String,
    /// Where it works.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// When it was started.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub created_at: Timestamp,
    /// When it was last changed; never goes back.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub updated_at: Timestamp,
    /// Iterations used.
    pub iterations: u32,
    /// Iterations allowed.
    pub max_iterations: u32,
    /// The user's state: the text of a JSON object.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    #[serde(with = "json::as_text")]
    pub context: Json,
    /// What it ended with.
    #[serde(default)]
    pub result: Option<String>,
    /// The text of the JSON that it ended with.
    #[cfg_attr(feature = "ts", ts(type = "string | null"))]
    #[serde(default, with = "json::as_text::option")]
    pub result_data: Option<Json>,
    /// What it failed with.
    #[serde(default)]
    pub error: Option<String>,
    /// The text of a JSON object about the run: model, tools, tokens, cost.
    #[cfg_attr(feature = "ts", ts(type = "string | null"))]
    #[serde(default, with = "json::as_text::option")]
    pub metadata: Option<Json>,
    /// How many events its history has; the last one's sequence number.
    pub event_count: u64,
    /// What it has used, as `metadata` says, for statistics.
    #[serde(default)]
    pub usage: Usage,
    /// When it was paused, while it is.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub paused_at: Option<Timestamp>,
    /// When it ended for good.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub finalized_at: Option<Timestamp>,
    /// The session it was forked from.
    #[serde(default)]
    pub parent_id: Option<SessionId>,
    /// What it has because it is an agent's.
    #[serde(default)]
    pub agent: Option<Box<Agent>>,
    /// The slot that it takes, and the model that works in it.
    #[serde(default)]
    pub slot: Option<Box<Slot>>,
    /// When it was put into the trash, while it is there.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub deleted_at: Option<Timestamp>,
}

impl Stored for Head {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            id: properties.get("id")?,
            version: properties.take("version"),
            user_id: properties.take("user_id"),
            channel_id: properties.take("channel_id"),
            mode: properties.take("mode"),
            task: properties.take("task"),
            workspace: properties.take("workspace"),
            status: properties.take("status"),
            created_at: properties.take("created_at"),
            updated_at: properties.take("updated_at"),
            iterations: properties.take("iterations"),
            max_iterations: properties.take("max_iterations"),
            context: properties.take::<AsText>("context").0,
            result: properties.take("result"),
            result_data: properties
                .take::<Option<AsText>>("result_data")
                .map(|json| json.0),
            error: properties.take("error"),
            metadata: properties
                .take::<Option<AsText>>("metadata")
                .map(|json| json.0),
            event_count: properties.take("event_count"),
            usage: properties.take_or_default("usage"),
            paused_at: properties.take("paused_at"),
            finalized_at: properties.take("finalized_at"),
            parent_id: properties.take("parent_id"),
            agent: properties.take::<Option<Agent>>("agent").map(Box::new),
            slot: properties.take::<Option<Slot>>("slot").map(Box::new),
            deleted_at: properties.take("deleted_at"),
        })
    }
}

impl Stored for Usage {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            prompt_tokens: properties.take("prompt_tokens"),
            completion_tokens: properties.take("completion_tokens"),
            cost_nanos: properties.take("cost_nanos"),
        })
    }
}

crate::stored_properties!(Head, Usage);

impl Head {
    /// The properties of its JSON, as paths, whose texts are the user data that
    /// [`user_bytes`](Self::user_bytes) counts.
    pub const USER_DATA: [&str; 9] = [
        "task",
        "context",
        "result",
        "resultData",
        "error",
        "metadata",
        "agent.summary",
        "agent.lastError.message",
        "slot.details",
    ];

    /// About how much user data it carries, in bytes.
    pub fn user_bytes(&self) -> u64 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let json = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_str().len());
        let agent = self.agent.as_ref().map_or(0, |agent| {
            let error = agent.last_error.as_ref();
            text(&agent.summary) + error.map_or(0, |error| error.message.len())
        });
        let model = self.slot.as_ref().and_then(|slot| slot.details.as_ref());
        let bytes = self.task.len()
            + self.context.as_str().len()
            + text(&self.result)
            + json(&self.result_data)
            + text(&self.error)
            + json(&self.metadata)
            + agent
            + model.map_or(0, |details| details.as_str().len());
        bytes as u64
    }

    /// The model that works on it: the one of its slot, or without a slot the one that its metadata name.
    pub fn model(&self) -> Option<Cow<'_, str>> {
        if let Some(slot) = &self.slot {
            return Some(Cow::Borrowed(&slot.model));
        }
        let model = self.metadata.as_ref()?.property("model")?;
        let model = model.starts_with('"').then(|| decoded(model))?;
        (model.len() <= LONGEST_MODEL).then_some(model)
    }

    /// Whether iterations are left.
    pub fn has_budget(&self) -> bool {
        self.iterations < self.max_iterations
    }

    /// Whether its agent waits for a person to approve or deny its request.
    pub fn awaits_approval(&self) -> bool {
        self.agent.as_deref().is_some_and(Agent::awaits_approval)
    }

    /// `next` in place of the session, from a writer that may know nothing of approvals: if nobody has
    /// approved the agent's request, the request stays, and the agent does not go on.
    ///
    /// # Errors
    /// `APPROVAL_PENDING` and `APPROVAL_DECIDED`.
    pub fn replaced_by(&self, mut next: Self) -> Result<Self> {
        let Some((agent, approval)) = self.closed_gate() else {
            return Ok(next);
        };
        let own = next.agent.get_or_insert_with(|| Box::new(agent.clone()));
        own.approval.get_or_insert_with(|| approval.clone());
        self.check_approval(&next)?;
        let status = next.status;
        next.agent.iter_mut().for_each(|own| own.agree_with(status));
        Ok(next)
    }

    /// Refuses `next` in place of the session if nobody has approved the agent's request, and with
    /// `next` the agent would go on or the request be forgotten. It may fail or be abandoned.
    ///
    /// # Errors
    /// `APPROVAL_PENDING` and `APPROVAL_DECIDED`.
    pub fn check_approval(&self, next: &Self) -> Result<()> {
        let Some((agent, approval)) = self.closed_gate() else {
            return Ok(());
        };
        let of_next = next.agent.as_ref().and_then(|of| of.approval.as_ref());
        let is_kept = of_next.is_some_and(|of| {
            match approval.is_pending() {
                // It may have been requested again.
                true => {
                    of.requested_at >= approval.requested_at
                        && (of.is_pending() || of.state == ApprovalState::Withdrawn)
                }
                false => of.requested_at == approval.requested_at && of.state == approval.state,
            }
        });
        let waits = next.awaits_approval()
            && next
                .agent
                .as_ref()
                .is_some_and(|of| of.phase == agent.phase)
            && (next.status == self.status || next.status == Status::Paused);
        // A session that is `timeout` can go on.
        let has_ended = matches!(next.status, Status::Failed | Status::Abandoned);
        match is_kept && (has_ended || waits) {
            true => Ok(()),
            false => Err(approval.refusal(&self.id)),
        }
    }

    /// The agent and its request, if nobody has approved that.
    fn closed_gate(&self) -> Option<(&Agent, &StoredApproval)> {
        let agent = self.agent.as_ref()?;
        let approval = agent.approval.as_ref()?;
        (approval.state != ApprovalState::Approved).then_some((agent, approval))
    }

    /// Whether an agent may go on with it: paused, or active with iterations left, and not waiting for
    /// an approval.
    pub fn is_resumable(&self) -> bool {
        self.deleted_at.is_none()
            && !self.awaits_approval()
            && match self.status {
                Status::Paused => true,
                Status::Active => self.has_budget(),
                _ => false,
            }
    }

    /// Whether `next` is in another place of the session's life: of its status, its iterations, its
    /// agent's phase or the trash. What only adds to the session leaves it where it is.
    pub fn moves_to(&self, next: &Self) -> bool {
        let place = |head: &Self| {
            let phase = head.agent.as_ref().map(|agent| agent.phase);
            let in_trash = head.deleted_at.is_some();
            (head.status, head.iterations, phase, in_trash)
        };
        place(self) != place(next)
    }

    /// How much of the budget is used, from 0 to 100.
    pub fn progress(&self) -> f64 {
        if self.max_iterations == 0 {
            return 100.0;
        }
        (f64::from(self.iterations) / f64::from(self.max_iterations) * 100.0).min(100.0)
    }

    /// How long it ran until it ended for good, in milliseconds; nothing if it has not.
    pub fn final_duration(&self) -> Option<u64> {
        Some(self.finalized_at?.since(self.created_at))
    }

    /// How long it has run, in milliseconds: to its end, or to `now` while it lives.
    pub fn duration(&self, now: Timestamp) -> u64 {
        let end = match self.status {
            Status::Active | Status::Paused => now,
            _ => self.finalized_at.unwrap_or(self.updated_at),
        };
        end.since(self.created_at)
    }
}

/// Tokens and money spent. Money is summed in whole billionths, so that sums are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read by the model.
    pub prompt_tokens: u64,
    /// Tokens written by the model.
    pub completion_tokens: u64,
    /// Cost in billionths of the user's unit.
    pub cost_nanos: u64,
}

impl Usage {
    /// The usage in the properties `tokens` and `cost` of `metadata`; 0 for an absent or invalid value.
    pub fn of_metadata(metadata: &Json) -> Self {
        let metadata = Object::parse(metadata);
        let tokens = metadata.get("tokens").map(Json::parse);
        let count = |key: &str| -> u64 {
            match &tokens {
                Some(Ok(tokens)) => Object::parse(tokens).read(key).unwrap_or(0),
                _ => 0,
            }
        };
        Self {
            prompt_tokens: count("prompt"),
            completion_tokens: count("completion"),
            cost_nanos: metadata.read("cost").map_or(0, cost_nanos),
        }
        .kept()
    }

    /// What a session can keep: no count is beyond what JavaScript counts exactly, since a store
    /// written there could not give it back.
    pub fn kept(self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.min(MAX_SAFE_INTEGER),
            completion_tokens: self.completion_tokens.min(MAX_SAFE_INTEGER),
            cost_nanos: self.cost_nanos.min(MAX_SAFE_INTEGER),
        }
    }

    /// The sum of both; it stops at the largest number rather than wrap.
    pub fn plus(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self
                .completion_tokens
                .saturating_add(other.completion_tokens),
            cost_nanos: self.cost_nanos.saturating_add(other.cost_nanos),
        }
    }

    /// All tokens.
    pub fn total_tokens(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// The cost in the user's unit as JSON, to the last billionth.
    pub fn cost_json(self) -> Json {
        let (whole, nanos) = (
            self.cost_nanos / 1_000_000_000,
            self.cost_nanos % 1_000_000_000,
        );
        let text = format!("{whole}.{nanos:09}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        // A decimal number is well-formed JSON.
        Json::parse(text).unwrap_or_default()
    }

    /// The cost in the user's unit.
    pub fn cost(self) -> f64 {
        self.cost_nanos as f64 / 1e9
    }
}

/// The longest name of a model in metadata, in bytes; a longer text is no name.
const LONGEST_MODEL: usize = 256;

/// The largest number up to which JavaScript counts exactly.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The greatest cost that is counted exactly, in whole units: in billionths it is a number that JavaScript counts exactly.
pub const MOST_COST: f64 = 9_007_199.0;

/// A cost in billionths, rounded; 0 for what is negative or no number.
pub fn cost_nanos(cost: f64) -> u64 {
    // A float-to-integer cast saturates, and takes NaN to 0.
    (cost * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(metadata: &str) -> Usage {
        Usage::of_metadata(&Json::parse(metadata).unwrap())
    }

    #[test]
    fn what_metadata_claims_to_have_used_is_read_as_far_as_it_can_be() {
        let read = usage(r#"{"tokens":{"prompt":10,"completion":5},"cost":0.1}"#);
        assert_eq!((read.total_tokens(), read.cost_nanos), (15, 100_000_000));
        for text in [
            "{}",
            r#"{"tokens":7,"cost":"much"}"#,
            r#"{"tokens":{"prompt":-1},"cost":-1}"#,
        ] {
            assert_eq!(usage(text), Usage::default(), "{text}");
        }
    }

    #[test]
    fn no_count_is_beyond_what_javascript_counts_exactly() {
        let most = usage(r#"{"tokens":{"prompt":18446744073709551615},"cost":1e300}"#);
        assert_eq!(most.prompt_tokens, MAX_SAFE_INTEGER);
        assert_eq!(most.cost_nanos, MAX_SAFE_INTEGER);
        assert_eq!(most.plus(most).kept(), most);
    }
}

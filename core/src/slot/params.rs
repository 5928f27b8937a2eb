//! What the operations on slots take and answer, and what people are told of it.

use serde::{Deserialize, Serialize};

use crate::declare_params;
use crate::error::Error;
use crate::session::params::{OneOf, StartParams};
use crate::session::view::SessionHead;
use crate::slot::decision::{OnModelChange, ReplaceReason};
use crate::slot::message::{self, SlotCode, SlotOutcome};

use crate::stored::head::Head;
use crate::stored::model::{Model, ModelChange};
use crate::stored::slot::SlotPhase;
use crate::stored::status::Status;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::limits::Limits;
use crate::value::text::Text;

/// How starters keep out of each other's way. The slot's version decides in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum SlotLocking {
    /// Whoever is second decides anew.
    #[default]
    Optimistic,
    /// Whoever is second is `busy` for as long as the first holds the lease of the slot.
    Pessimistic,
}

declare_params! {
    /// A session to start in a slot.
    pub struct StartInSlotParams {
        /// The task whose slot it is.
        pub task_id: Text,
        /// The phase whose slot it is.
        pub phase: SlotPhase,
        /// The model that is to work in it.
        pub model: Model,
        /// What the agent is to do.
        pub task: Text,
        /// The kind of agent, such as `developer`.
        pub mode: Text,
        /// What becomes of a session with another model: `"confirm"`, the default, asks first;
        /// `"replace"` does not; `"reject"` leaves it.
        pub on_model_change: Option<OnModelChange>,
        /// The session that may be replaced, as somebody saw it and agreed.
        pub confirm: Option<SlotConfirmation>,
        /// Do again what is completed.
        pub rerun: Option<bool>,
        /// Answer with the session that is replaced, whole, as `export` returns it.
        pub export_old: Option<bool>,
        /// How starters keep out of each other's way; `"optimistic"` by default.
        pub locking: Option<SlotLocking>,
        /// An id of the caller's own; by default one is made.
        pub id: Option<Text>,
        /// The user it runs for.
        pub user_id: Option<Text>,
        /// The channel it is started in.
        pub channel_id: Option<Text>,
        /// Where it works.
        pub workspace: Option<Text>,
        /// Iterations allowed; 100 by default.
        pub max_iterations: Option<u32>,
        /// The user's own state.
        pub context: Option<Json>,
        /// About the run.
        #[cfg_attr(feature = "ts", ts(optional, type = "SessionMetadata"))]
        pub metadata: Option<Json>,
        /// Start it paused.
        pub paused: Option<bool>,
        /// Why it starts paused.
        pub pause_reason: Option<Text>,
    }

    /// Sessions to start in slots.
    pub struct StartInSlotsParams {
        /// What is to be started, 100 at most, in this order.
        pub starts: Vec<StartInSlotParams>,
    }

    /// A session that somebody saw and agreed to replace.
    pub struct SlotConfirmation {
        /// The session.
        pub id: Text,
        /// The version that it had.
        pub version: u64,
    }

    /// One slot.
    pub struct LatestSessionParams {
        /// The task.
        pub task_id: Text,
        /// The phase.
        pub phase: SlotPhase,
    }

    /// The slots of tasks.
    pub struct SlotsParams {
        /// The task, or several, 1,000 at most.
        pub task_ids: OneOf<Text>,
    }

    /// The title of a session.
    pub struct SlotPhaseParams {
        /// The title, such as `Plan: the new parser`.
        pub title: Text,
    }
}

impl StartInSlotParams {
    /// The session to start.
    pub(crate) fn start(&self) -> StartParams {
        StartParams {
            task: self.task.clone(),
            mode: self.mode.clone(),
            id: self.id.clone(),
            user_id: self.user_id.clone(),
            channel_id: self.channel_id.clone(),
            workspace: self.workspace.clone(),
            max_iterations: self.max_iterations,
            context: self.context.clone(),
            metadata: self.metadata.clone(),
            paused: self.paused,
            pause_reason: self.pause_reason.clone(),
            idempotency_key: None,
        }
    }
}

/// The session in a slot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SlotSession {
    /// The session.
    pub session: SessionHead,
    /// Whether its model is none of those that there are.
    pub model_missing: bool,
    /// What people are told, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
}

impl SlotSession {
    /// A session, and whether its model is missing.
    pub(crate) fn new(head: Head, limits: &Limits) -> Self {
        let model_missing = head
            .slot
            .as_ref()
            .is_some_and(|slot| limits.lacks_model(&slot.model));
        Self {
            session: head.into(),
            model_missing,
            message: model_missing.then_some(message::MODEL_MISSING),
        }
    }
}

/// What became of a session to start in a slot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct SlotStart {
    /// What became of it.
    pub outcome: SlotOutcome,
    /// The same for programs, in more detail.
    pub code: SlotCode,
    /// The same for people.
    pub message: &'static str,
    /// What people are warned of before they agree, if something would be lost. `message` says it too;
    /// this is for whoever asks in words of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
    /// The session that is in the slot now; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionHead>,
    /// The session that was replaced, as it is in the trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<SessionHead>,
    /// Why it was replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReplaceReason>,
    /// What its runner is to hear of it, if it was active or paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<SlotCancelled>,
    /// The session that was replaced, whole, as it was before, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported: Option<String>,
    /// Whether the session that is there is completed.
    pub finished: bool,
    /// Whether its model is none of those that there are.
    pub model_missing: bool,
    /// How the model that was asked for differs from the one of the session that is there, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ModelChange>,
    /// How often others came in between, and it was decided anew.
    pub conflicts: u32,
}

/// A session that was active or paused when another took its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SlotCancelled {
    /// The session. Its runner can write to it no more.
    pub id: SessionId,
    /// The session that took its place.
    pub replaced_by: SessionId,
    /// The task in whose slot they are.
    pub task_id: String,
    /// The phase whose slot it is.
    pub phase: SlotPhase,
    /// Why it was replaced.
    pub reason: ReplaceReason,
}

/// What became of one of several sessions to start in slots.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum SlotAnswer {
    /// What a call for it alone would have answered.
    Started(Box<SlotStart>),
    /// The error with which a call for it alone would have ended.
    Failed(SlotFailure),
}

/// An error that kept a session from being started in a slot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SlotFailure {
    /// That it is one.
    #[cfg_attr(feature = "ts", ts(type = "\"failed\""))]
    pub outcome: &'static str,
    /// The error's code.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode"))]
    pub code: &'static str,
    /// What people are told.
    pub message: &'static str,
    /// The error's own message: what was wrong, and what to do.
    pub problem: String,
}

impl SlotAnswer {
    pub(crate) fn started(start: SlotStart) -> Self {
        Self::Started(Box::new(start))
    }

    pub(crate) fn failed(error: &Error) -> Self {
        Self::Failed(SlotFailure {
            outcome: "failed",
            code: error.code(),
            message: message::message(error.code()),
            problem: error.to_string(),
        })
    }
}

impl SlotStart {
    /// What comes of it with this session in the slot, if that is known.
    pub(crate) fn new(
        code: SlotCode,
        session: Option<Head>,
        conflicts: u32,
        limits: &Limits,
    ) -> Self {
        let slot = session.as_ref().and_then(|head| head.slot.as_ref());
        let model_missing = slot.is_some_and(|slot| limits.lacks_model(&slot.model));
        Self {
            outcome: code.outcome(),
            code,
            message: if model_missing {
                code.message_of_missing()
            } else {
                code.message()
            },
            warning: code.warning(),
            model_missing,
            finished: session
                .as_ref()
                .is_some_and(|head| head.status == Status::Completed),
            session: session.map(SessionHead::from),
            replaced: None,
            reason: None,
            cancelled: None,
            exported: None,
            change: None,
            conflicts,
        }
    }
}

crate::plain_properties!(SlotLocking);
crate::nested_properties!(SlotConfirmation, StartInSlotParams);

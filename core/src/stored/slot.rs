//! Slots: a task has a slot for each phase of its work, and at most one session outside of the trash
//! occupies it. This module defines the slot and its record in a session; [`decision`] decides on
//! starting a session in a slot, and [`model`] compares models. The phases of slots are not those of
//! agents.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::stored::model::Model;
use crate::value::json::{self, Json, Object};
use crate::value::limits::Limits;
use crate::value::properties::{AsText, Properties, Stored};

/// The greatest size of a task's id, in bytes: with its phase it must fit into the key of a lease.
pub const MAX_TASK_BYTES: usize = 500;

/// The slot of a session and its model, as stores keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredSlot"))]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// The task.
    pub task_id: String,
    /// The phase of its work.
    pub phase: SlotPhase,
    /// The model's name.
    pub model: String,
    /// The other properties of the model, a JSON object.
    #[cfg_attr(feature = "ts", ts(type = "string | null"))]
    #[serde(default, with = "json::as_text::option")]
    pub details: Option<Json>,
}

/// A slot, and the model that works in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Slot"))]
#[serde(rename_all = "camelCase")]
pub struct SlotView {
    /// The task.
    pub task_id: String,
    /// The phase of its work.
    pub phase: SlotPhase,
    /// The model.
    pub model: Model,
}

/// A phase of the work on a task that has a slot.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum SlotPhase {
    /// Planning.
    #[default]
    #[serde(alias = "planning")]
    Plan,
    /// Executing the plan.
    #[serde(alias = "implementation")]
    Run,
    /// Verifying the result.
    #[serde(alias = "verification", alias = "review")]
    Verify,
    /// One agent looking for a fault. Several at once take no slot.
    Debug,
}

impl SlotPhase {
    /// Every phase, in the order of the work.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Run, Self::Verify, Self::Debug];

    /// The name in JavaScript, in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Run => "run",
            Self::Verify => "verify",
            Self::Debug => "debug",
        }
    }

    /// The phase of this name or alias.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "plan" | "planning" => Some(Self::Plan),
            "run" | "implementation" => Some(Self::Run),
            "verify" | "verification" | "review" => Some(Self::Verify),
            "debug" => Some(Self::Debug),
            _ => None,
        }
    }
}

impl fmt::Display for SlotPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The phase that the title of a session names before its colon, as in `Plan: the new parser`.
pub fn slot_phase(title: &str) -> Option<SlotPhase> {
    let (phase, _) = title.split_once(':')?;
    SlotPhase::parse(&phase.trim().to_ascii_lowercase())
}

impl Stored for Slot {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            task_id: properties.take("task_id"),
            phase: properties.take("phase"),
            model: properties.take("model"),
            details: properties
                .take::<Option<AsText>>("details")
                .map(|json| json.0),
        })
    }
}

impl Slot {
    /// The unique key of the slot. A phase contains no `/`, so no two slots have the same key.
    pub fn key(&self) -> String {
        key(&self.task_id, self.phase)
    }

    /// The key of the lease that a pessimistic start holds.
    pub fn lease_key(&self) -> String {
        ["slot:", &self.key()].concat()
    }

    /// The model that works in it.
    pub fn model(&self) -> Model {
        Model {
            name: self.model.clone(),
            details: self.details.clone(),
        }
    }

    /// Reads a slot from the JSON of a [`SlotView`]; `None` if it is none.
    pub(crate) fn read(shown: &Json) -> Option<Self> {
        let properties = Object::parse(shown);
        let model = Model::of(&properties.read("model")?)?;
        Some(Self {
            task_id: properties.text("taskId")?,
            phase: SlotPhase::parse(&properties.text("phase")?)?,
            model: model.name,
            details: model.details,
        })
    }

    /// Checks it against the limits.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `TOO_LARGE` and `TOO_DEEP`.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        checked_task(&self.task_id)?;
        limits.label("model", Some(&self.model))?;
        match &self.details {
            Some(details) => limits.object("model", details),
            None => Ok(()),
        }
    }
}

impl From<Slot> for SlotView {
    fn from(slot: Slot) -> Self {
        Self {
            task_id: slot.task_id,
            phase: slot.phase,
            model: Model {
                name: slot.model,
                details: slot.details,
            },
        }
    }
}

/// The kind of the records that guard slots.
pub const KIND: &str = "slot";

/// The unique key of a slot.
pub fn key(task_id: &str, phase: SlotPhase) -> String {
    format!("{task_id}/{phase}")
}

/// The id of a task that has slots.
///
/// # Errors
/// `INVALID_ARGUMENT` for none and for one that is too long.
pub fn checked_task(task_id: &str) -> Result<&str> {
    let length = task_id.len();
    if (1..=MAX_TASK_BYTES).contains(&length) {
        Ok(task_id)
    } else {
        let problem = format!("expected 1 to {MAX_TASK_BYTES} bytes, got {length}");
        Err(Error::invalid("taskId", problem))
    }
}

crate::word_properties! {
    SlotPhase: "plan" => Plan, "planning" => Plan, "run" => Run, "implementation" => Run,
        "verify" => Verify, "verification" => Verify, "review" => Verify, "debug" => Debug;
}
crate::stored_properties!(Slot);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_name_of_its_own() {
        for phase in SlotPhase::ALL {
            assert_eq!(SlotPhase::parse(phase.as_str()), Some(phase));
        }
        assert_eq!(SlotPhase::parse("Plan"), None);
        assert_eq!(SlotPhase::parse("executing"), None);
    }

    #[test]
    fn a_title_names_its_phase_before_the_colon() {
        for (title, phase) in [
            ("Plan: a title", Some(SlotPhase::Plan)),
            ("planning:", Some(SlotPhase::Plan)),
            (" IMPLEMENTATION : a: b", Some(SlotPhase::Run)),
            ("Review: x", Some(SlotPhase::Verify)),
            ("Verification: x", Some(SlotPhase::Verify)),
            ("Debug: x", Some(SlotPhase::Debug)),
            ("Plan a title", None),
            ("The plan: x", None),
            ("", None),
        ] {
            assert_eq!(slot_phase(title), phase, "{title:?}");
        }
    }
}

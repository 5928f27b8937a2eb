//! The phases of an agent's work, and which of them are resumable. A phase says what the agent is
//! doing, the [status](crate::stored::status::Status) whether it runs; a final phase is a final status.
//! `agent::resume` decides whether an agent should be resumed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::stored::status::Status;
use crate::value::properties::{self, Property};

/// The phase of an agent's work.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Just created.
    #[default]
    Initializing,
    /// Investigating; may take several turns.
    Investigating,
    /// Making a plan.
    Planning,
    /// Waiting for approval.
    Approval,
    /// Executing the plan.
    Executing,
    /// Validating the result.
    Validating,
    /// Ended with success.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Abandoned.
    Abandoned,
}

impl Phase {
    /// Every phase, in the order of the work.
    pub const ALL: [Self; 9] = [
        Self::Initializing,
        Self::Investigating,
        Self::Planning,
        Self::Approval,
        Self::Executing,
        Self::Validating,
        Self::Completed,
        Self::Failed,
        Self::Abandoned,
    ];

    /// The name in JavaScript, in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Investigating => "investigating",
            Self::Planning => "planning",
            Self::Approval => "approval",
            Self::Executing => "executing",
            Self::Validating => "validating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The phase of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }

    /// Whether an agent that was interrupted in this phase can be resumed.
    pub fn is_resumable(self) -> bool {
        matches!(self, Self::Approval | Self::Investigating | Self::Planning)
    }

    /// Whether it is final: no phase follows it.
    pub fn is_final(self) -> bool {
        self.final_status().is_some()
    }

    /// The status of a session in this phase, if the phase is final.
    pub fn final_status(self) -> Option<Status> {
        match self {
            Self::Completed => Some(Status::Completed),
            Self::Failed => Some(Status::Failed),
            Self::Abandoned => Some(Status::Abandoned),
            _ => None,
        }
    }

    /// The phase of a session with this status, if the status is final.
    pub fn of_final(status: Status) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.final_status() == Some(status))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Property for Phase {
    fn read(name: &str, text: &str) -> Result<Self> {
        properties::word(name, text, Self::parse, &Self::ALL.map(Self::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_name_of_its_own() {
        for phase in Phase::ALL {
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
        assert_eq!(Phase::parse("Approval"), None);
    }

    #[test]
    fn final_phases_and_final_statuses_are_the_same() {
        for status in Status::ALL {
            assert_eq!(Phase::of_final(status).is_some(), status.is_finished());
        }
        for phase in Phase::ALL {
            let there_and_back = phase.final_status().and_then(Phase::of_final);
            assert_eq!(there_and_back, phase.is_final().then_some(phase));
            assert!(!(phase.is_final() && phase.is_resumable()));
        }
    }
}

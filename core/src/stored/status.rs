//! The statuses of a session and the transitions between them. `draft` applies the other effects of a
//! transition (events, context, counters).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::value::properties::{self, Property};

/// The status of a session.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Running, or interrupted by a crash and recoverable.
    #[default]
    Active,
    /// Waiting to be resumed.
    Paused,
    /// Ended with a result.
    Completed,
    /// Ended with an error.
    Failed,
    /// Out of iterations: may be resumed with more, paused, or ended.
    Timeout,
    /// Abandoned.
    Abandoned,
}

impl Status {
    /// Every status, in the order in which statistics show them.
    pub const ALL: [Self; 6] = [
        Self::Active,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Abandoned,
    ];

    /// The name in JavaScript, in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Abandoned => "abandoned",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether it is final: the session takes no more events.
    pub fn is_finished(self) -> bool {
        self.successors().is_empty()
    }

    /// The statuses that can follow this one.
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Active => &[
                Self::Paused,
                Self::Completed,
                Self::Failed,
                Self::Timeout,
                Self::Abandoned,
            ],
            Self::Paused => &[Self::Active, Self::Completed, Self::Failed, Self::Abandoned],
            Self::Timeout => &[
                Self::Active,
                Self::Paused,
                Self::Completed,
                Self::Failed,
                Self::Abandoned,
            ],
            Self::Completed | Self::Failed | Self::Abandoned => &[],
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Property for Status {
    fn read(name: &str, text: &str) -> Result<Self> {
        properties::word(name, text, Self::parse, &Self::ALL.map(Self::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_named_as_it_is_serialised() {
        for status in Status::ALL {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{status}\""));
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("running"), None);
    }

    #[test]
    fn a_finished_session_leads_nowhere() {
        let finished: Vec<Status> = Status::ALL
            .into_iter()
            .filter(|s| s.is_finished())
            .collect();
        assert_eq!(
            finished,
            [Status::Completed, Status::Failed, Status::Abandoned]
        );
    }
}

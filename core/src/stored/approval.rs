//! The approval of an agent's work: a request closes a gate, and a person's decision opens it for good.

use serde::{Deserialize, Serialize};

use crate::error::{Cause, Error, Result};
use crate::value::id::SessionId;
use crate::value::properties::{Properties, Stored};
use crate::value::time::{self, Timestamp};

/// The state of an approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    /// It was requested, and nobody has decided.
    #[default]
    Pending,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
    /// The agent's work ended before anybody had decided.
    Withdrawn,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Denied, Self::Withdrawn];

    /// The name in JavaScript and in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

crate::word_properties! {
    ApprovalState: "pending" => Pending, "approved" => Approved, "denied" => Denied,
    "withdrawn" => Withdrawn;
}

/// An approval, as stores keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StoredApproval {
    /// Its state.
    pub state: ApprovalState,
    /// When it was requested.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(with = "time::as_millis")]
    pub requested_at: Timestamp,
    /// Who decided.
    #[serde(default)]
    pub by: Option<String>,
    /// When it was decided.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub decided_at: Option<Timestamp>,
}

impl Stored for StoredApproval {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            state: properties.take("state"),
            requested_at: properties.take("requested_at"),
            by: properties.take("by"),
            decided_at: properties.take("decided_at"),
        })
    }
}

crate::stored_properties!(StoredApproval);

impl StoredApproval {
    /// A request at this time.
    pub fn requested(at: Timestamp) -> Self {
        Self {
            requested_at: at,
            ..Self::default()
        }
    }

    /// Whether nobody has decided.
    pub fn is_pending(&self) -> bool {
        self.state == ApprovalState::Pending
    }

    /// Whether a person has decided.
    pub fn is_decided(&self) -> bool {
        matches!(self.state, ApprovalState::Approved | ApprovalState::Denied)
    }

    /// The error for what the state does not allow, of the agent with this session.
    pub fn refusal(&self, id: &SessionId) -> Error {
        let id = id.to_string();
        match self.state {
            ApprovalState::Pending => Cause::ApprovalPending { id },
            state => Cause::ApprovalDecided {
                id,
                state: state.as_str(),
                by: self.by.clone(),
                at: self.decided_at.unwrap_or(self.requested_at).to_string(),
            },
        }
        .into()
    }
}

/// The approval of an agent's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Its state: `pending` until a person approves or denies it, which is final; `withdrawn` if the
    /// agent's work ended before that.
    pub state: ApprovalState,
    /// When it was requested, or decided if it was not requested.
    pub requested_at: Timestamp,
    /// The name of the person who decided, if it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was decided; absent while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

impl Approval {
    /// Whether nobody has decided.
    pub fn is_pending(&self) -> bool {
        self.state == ApprovalState::Pending
    }
}

impl From<StoredApproval> for Approval {
    fn from(stored: StoredApproval) -> Self {
        Self {
            state: stored.state,
            requested_at: stored.requested_at,
            by: stored.by,
            decided_at: stored.decided_at,
        }
    }
}

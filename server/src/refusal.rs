//! The refusals of the server itself, before an operation is called.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Why the server refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request has no valid token.
    #[error(
        "the token is missing or wrong: pass `Authorization: Bearer TOKEN` or the option `token` of `open`, or open the URL with the token in a browser"
    )]
    Unauthorized,
    /// The server is not known by this `Host`.
    #[error("the server is not known by this `Host`: allow it with --allow-host")]
    ForeignHost,
    /// A page of another origin has sent the cookie of the server.
    #[error("pages of another origin may not use the cookie of the server")]
    ForeignOrigin,
    /// The server only reads.
    #[error("this server is read-only: it does not run `{operation}`")]
    ReadOnly {
        /// The operation.
        operation: &'static str,
    },
    /// The operation is the server's own.
    #[error("the server itself counts what its clients do: they cannot call `{operation}`")]
    OwnOperation {
        /// The operation.
        operation: &'static str,
    },
    /// As much as the server accepts is open or under way.
    #[error("the server has reached its limit of {limit} {what}: try again")]
    Busy {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "UNAUTHORIZED",
            Self::ForeignHost | Self::ForeignOrigin | Self::OwnOperation { .. } => "FORBIDDEN",
            Self::ReadOnly { .. } => "READ_ONLY",
            Self::Busy { .. } => "SERVER_BUSY",
        }
    }

    /// The status of the response.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::ForeignHost
            | Self::ForeignOrigin
            | Self::ReadOnly { .. }
            | Self::OwnOperation { .. } => 403,
            Self::Busy { .. } => 503,
        }
    }
}

/// The form of all errors: `{code, message, details}`.
impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut details = serde_json::Map::new();
        match self {
            Self::Unauthorized | Self::ForeignHost | Self::ForeignOrigin => {}
            Self::ReadOnly { operation } | Self::OwnOperation { operation } => {
                details.insert("operation".to_owned(), (*operation).into());
            }
            Self::Busy { what, limit } => {
                details.insert("what".to_owned(), (*what).into());
                details.insert("limit".to_owned(), (*limit).into());
            }
        }
        let mut error = serializer.serialize_struct("Error", 3)?;
        error.serialize_field("code", self.code())?;
        error.serialize_field("message", &self.to_string())?;
        error.serialize_field("details", &details)?;
        error.end()
    }
}

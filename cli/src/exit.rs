//! The outcome of a command: an exit code, or a failure that has one.

use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Error;

/// The outcome of a command.
pub(crate) type Outcome = Result<Exit, Failure>;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    /// Success.
    pub(crate) const DONE: Self = Self(0);
    /// The session was not found, the operation was refused, or the answer is no.
    pub(crate) const REFUSED: Self = Self(1);
    /// Wrong usage.
    pub(crate) const USAGE: Self = Self(2);
    /// The store failed.
    pub(crate) const STORE: Self = Self(3);
    /// The user pressed Ctrl-C: 128 + SIGINT, as in shells.
    pub(crate) const INTERRUPTED: Self = Self(130);
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error with its code, its message, and its JSON for `--json`.
    Error {
        code: String,
        message: String,
        json: String,
    },
    /// The output could not be written.
    Output(io::Error),
    /// The user pressed Ctrl-C; a note that says how to continue.
    Interrupted(String),
}

impl Failure {
    /// A wrong argument that clap does not detect.
    pub(crate) fn usage(what: &str, problem: impl Into<String>) -> Self {
        Error::invalid(what, problem).into()
    }

    /// Parses the error of a reply.
    pub(crate) fn of_json(json: &str) -> Self {
        #[derive(Deserialize)]
        struct Read {
            code: String,
            message: String,
        }
        match serde_json::from_str::<Read>(json) {
            Ok(Read { code, message }) => Self::Error {
                code,
                message,
                json: json.to_owned(),
            },
            Err(error) => Error::internal(error.to_string()).into(),
        }
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Error { code, .. } => of_code(code),
            // A reader that has read enough closes the pipe. That is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::DONE,
            Self::Output(_) => Exit::STORE,
            Self::Interrupted(_) => Exit::INTERRUPTED,
        }
    }
}

/// The exit code of an error's code.
pub(crate) fn of_code(code: &str) -> Exit {
    match code {
        "INVALID_ARGUMENT" | "INVALID_ID" | "INVALID_CURSOR" | "TOO_LARGE" | "TOO_DEEP"
        | "UNKNOWN_OPERATION" | "UNSUPPORTED_STORE" => Exit::USAGE,
        "CORRUPT_SESSION" | "STORE_BUSY" | "STORE_UNAVAILABLE" | "STORAGE_FULL"
        | "SCHEMA_TOO_NEW" | "STORE_FAILED" | "STORE_MISBEHAVED" | "STORE_TIMEOUT"
        | "OUTCOME_UNKNOWN" | "STORE_IS_ASYNC" | "CLOSED" | "INTERNAL" => Exit::STORE,
        _ => Exit::REFUSED,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let code = error.code().to_owned();
        let json = serde_json::to_string(&error).unwrap_or_default();
        Self::Error {
            code,
            message,
            json,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A reply that cannot be parsed is a defect.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Error::internal(format!("invalid reply: {error}")).into()
    }
}

/// Checks the JSON of an argument.
pub(crate) fn check_json(what: &str, text: &str) -> Result<(), Failure> {
    serde_json::from_str::<&RawValue>(text)
        .map(drop)
        .map_err(|error| Failure::usage(what, format!("expected JSON: {error}")))
}

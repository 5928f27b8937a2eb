//! How a command ends: with an exit code, or with what kept it from its end.

use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_core::Error;

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;

/// The exit code of a command that has reached its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    /// It is done.
    pub(crate) const DONE: Self = Self(0);
    /// The session is not known, the operation was refused, or the answer is no.
    pub(crate) const REFUSED: Self = Self(1);
    /// The command was not understood.
    pub(crate) const USAGE: Self = Self(2);
    /// The store failed.
    pub(crate) const STORE: Self = Self(3);
    /// The user pressed Ctrl-C, as shells count it.
    pub(crate) const INTERRUPTED: Self = Self(130);
}

/// What kept a command from its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error with a code; what programs are shown is the JSON.
    Error {
        code: String,
        message: String,
        json: String,
    },
    /// What it was to print could not be written.
    Output(io::Error),
    /// The user pressed Ctrl-C; what there is to say of it.
    Interrupted(String),
}

impl Failure {
    /// Something about the arguments that clap does not know.
    pub(crate) fn usage(what: &str, problem: impl Into<String>) -> Self {
        Error::invalid(what, problem).into()
    }

    /// Reads the error of an answer.
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
            // Whoever has read enough closes the pipe: that is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::DONE,
            Self::Output(_) => Exit::STORE,
            Self::Interrupted(_) => Exit::INTERRUPTED,
        }
    }
}

/// What an error's code means to whoever called the command.
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

/// An answer that is not what its operation promises is a defect.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Error::internal(format!("an answer that cannot be read: {error}")).into()
    }
}

/// JSON that a user has given.
pub(crate) fn check_json(what: &str, text: &str) -> Result<(), Failure> {
    serde_json::from_str::<&RawValue>(text)
        .map(drop)
        .map_err(|error| Failure::usage(what, format!("expected JSON: {error}")))
}

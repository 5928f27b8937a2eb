//! The outcome of a command: an exit code, or a failure that has one.

use std::io;
use std::path::Path;

use tenure_core::Error;
use tenure_core::error::{Cause, Class};

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
    /// The command got SIGTERM: 128 + SIGTERM, as in shells.
    pub(crate) const TERMINATED: Self = Self(143);
}

impl Exit {
    /// The exit code of the code of an error. A refusal within a reply holds the code only.
    pub(crate) fn of_code(code: &str) -> Self {
        Error::class_of(code).map_or(Self::REFUSED, Self::from)
    }
}

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        Self(class.exit_code())
    }
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An operation or an argument failed.
    Error(Error),
    /// The output could not be written.
    Output(io::Error),
    /// A signal has stopped the work; its exit code, and a note that says how to continue.
    Interrupted(Exit, String),
}

impl Failure {
    /// A wrong argument that clap does not detect.
    pub(crate) fn usage(what: &str, problem: impl Into<String>) -> Self {
        Error::invalid(what, problem).into()
    }

    /// A file of the output that cannot be written.
    pub(crate) fn output(path: &Path, error: &io::Error, more: &str) -> Self {
        let message = format!("{}: {error}{more}", path.display());
        Self::Output(io::Error::other(message))
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Error(error) => error.class().into(),
            // A reader that has read enough closes the pipe. That is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::DONE,
            Self::Output(_) => Exit::STORE,
            Self::Interrupted(exit, _) => *exit,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self::Error(cause.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A reply that cannot be printed as JSON is a defect.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Error::internal(format!("invalid reply: {error}")).into()
    }
}

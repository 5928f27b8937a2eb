//! The errors of an archive. Messages name objects and the service, and no credentials.

use tenure_core::error::{Cause, Error};
use tenure_core::work::job::DriverError;

/// The result of a call of an archive.
pub type Result<T, E = ArchiveError> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The address is none of an archive.
    #[error("{address:?} is no archive that this build can open: {problem}")]
    Unsupported {
        /// The address, without what may be secret.
        address: String,
        /// What is expected.
        problem: String,
    },
    /// The archive cannot be opened.
    #[error("the archive {address} cannot be opened: {problem}")]
    NotOpened {
        /// The address, without what may be secret.
        address: String,
        /// Why not.
        problem: String,
    },
    /// The service or the folder has failed.
    #[error("the archive is unavailable: {0}")]
    Unavailable(#[from] object_store::Error),
    /// The clock of this machine is too far ahead to say what is old.
    #[error(
        "the clock of this machine is ahead of the archive's by {days} {}; nothing was removed",
        match days { 1 => "day", _ => "days" }
    )]
    ClockAhead {
        /// By how many days.
        days: u64,
    },
    /// There is no such session.
    #[error("the archive has no session {id}{}", at(*.version))]
    NotFound {
        /// The id of the session.
        id: String,
        /// The version that was asked for.
        version: Option<u64>,
    },
    /// An object is not what was written.
    #[error("{object} is not what was archived: it {problem}")]
    Damaged {
        /// The object.
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An error of the core, such as of encryption.
    #[error(transparent)]
    Core(#[from] Error),
    /// A defect in Tenure.
    #[error("internal error: {0}; please report this")]
    Internal(&'static str),
}

impl ArchiveError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.to_error().code()
    }

    /// As an error of the core.
    #[must_use]
    pub fn to_error(&self) -> Error {
        let problem = self.to_string();
        match self {
            Self::Core(error) => error.clone(),
            Self::Unsupported { .. } => Error::invalid("archive", problem),
            Self::NotOpened { .. } | Self::Unavailable(_) | Self::ClockAhead { .. } => {
                Cause::ArchiveFailed { problem }.into()
            }
            Self::NotFound { id, .. } => Cause::SessionNotFound { id: id.clone() }.into(),
            Self::Damaged { .. } => Cause::ArchiveDamaged { problem }.into(),
            Self::Internal(problem) => Error::internal(*problem),
        }
    }

    /// The error of a driver whose archive has failed, for a job.
    #[must_use]
    pub fn to_driver_error(&self) -> DriverError {
        DriverError {
            code: self.code().into(),
            message: self.to_string().into(),
            number: 0,
        }
    }

    pub(crate) fn damaged(object: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Damaged {
            object: object.into(),
            problem: problem.into(),
        }
    }
}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        error.to_error()
    }
}

fn at(version: Option<u64>) -> String {
    version
        .map(|version| format!(" at version {version}"))
        .unwrap_or_default()
}

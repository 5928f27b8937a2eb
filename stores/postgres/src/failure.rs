//! What has become of a request that failed, by the code that the server gives. Details of the server's errors
//! are not shown, because they may contain user data.

use std::error::Error as _;

use tenure_core::Error;
use tenure_core::error::Cause;
use tokio_postgres::error::SqlState;

/// The constraint that keeps a commit from being applied twice.
const ONCE: &str = "commits_once";

/// Why a request has failed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The connection was lost. What was sent may have been done.
    Lost(String),
    /// There is no connection, and waiting for one may help.
    Away(String),
    /// Other transactions were in the way, and nothing was done.
    Contention(String),
    /// The server, or this store, has ended the request because it took too long. Nothing was done.
    TimedOut(String),
    /// A precondition is not met, and nothing was done.
    Unmet,
    /// The commit was applied before.
    Repeated,
    /// The connection does not know a statement that was prepared on it. Nothing was done.
    Unprepared(String),
    /// There are no tables.
    NoTables(String),
    /// Another instance is creating the same thing.
    Created(String),
    /// Anything else. Nothing was done.
    Failed(Error),
}

impl Failure {
    pub(crate) fn of(error: &tokio_postgres::Error, method: &str) -> Self {
        let problem = describe(error);
        let Some(of_server) = error.as_db_error() else {
            // What is about a value has a cause of its own.
            return match is_lost(error) || error.source().is_none() {
                true => Self::Lost(problem),
                false => Self::Failed(failed(method, problem)),
            };
        };
        let unavailable = |problem| Self::Failed(unavailable(problem));
        match of_server.code() {
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::LOCK_NOT_AVAILABLE => Self::Contention(problem),
            &SqlState::QUERY_CANCELED => Self::TimedOut(format!(
                "a statement was ended because it took too long or waited for other writers \
                 ({problem})"
            )),
            &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Self::Lost(problem),
            &SqlState::DIVISION_BY_ZERO => Self::Unmet,
            &SqlState::UNIQUE_VIOLATION if of_server.constraint() == Some(ONCE) => Self::Repeated,
            &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME => Self::NoTables(problem),
            &SqlState::UNIQUE_VIOLATION
            | &SqlState::DUPLICATE_TABLE
            | &SqlState::DUPLICATE_SCHEMA
            | &SqlState::DUPLICATE_OBJECT => Self::Created(problem),
            &SqlState::INVALID_SQL_STATEMENT_NAME | &SqlState::DUPLICATE_PSTATEMENT => {
                Self::Unprepared(problem)
            }
            // What a prepared statement returns has changed.
            &SqlState::FEATURE_NOT_SUPPORTED if problem.contains("cached plan") => {
                Self::Unprepared(problem)
            }
            &SqlState::DISK_FULL | &SqlState::OUT_OF_MEMORY => {
                Self::Failed(Cause::StorageFull { problem }.into())
            }
            &SqlState::READ_ONLY_SQL_TRANSACTION => unavailable(format!(
                "{problem}: the server is read-only; connect to the primary server, or name all \
                 servers and target_session_attrs=read-write"
            )),
            &SqlState::INSUFFICIENT_PRIVILEGE => unavailable(format!(
                "{problem}; the role needs USAGE on the schema and its sequence, and SELECT, \
                 INSERT, UPDATE and DELETE on its tables; to create them, CREATE on the database; to \
                 migrate them, it has to be their owner"
            )),
            code => match code.code().get(..2) {
                // The server ends connections, restarts or has no more of them.
                Some("57" | "08") => Self::Lost(problem),
                Some("53") => Self::Away(problem),
                Some("28" | "3D") => unavailable(problem),
                _ => Self::Failed(failed(method, problem)),
            },
        }
    }

    /// Why a connection could not be opened.
    pub(crate) fn to_connect(error: &tokio_postgres::Error) -> Self {
        match Self::of(error, "open") {
            Self::Lost(problem) if is_refused_certificate(error) => {
                Self::Failed(unavailable(problem))
            }
            Self::Lost(problem) => Self::Away(problem),
            // A wrong configuration, or an unknown authority.
            Self::Failed(error) => match error.cause() {
                Cause::StoreFailed { problem, .. } => Self::Failed(unavailable(problem.clone())),
                _ => Self::Failed(error),
            },
            failure => failure,
        }
    }

    /// Whether the request may be sent again, if that does no harm.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Lost(_) | Self::Away(_) | Self::Contention(_) | Self::Unprepared(_)
        )
    }

    /// The error of a call that ends with this failure, over the database of this name.
    pub(crate) fn into_error(self, method: &str, database: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Lost(problem)
            | Self::Away(problem)
            | Self::TimedOut(problem)
            | Self::Contention(problem)
            | Self::NoTables(problem) => unavailable(format!("{database}: {problem}")),
            Self::Unprepared(problem) | Self::Created(problem) => failed(method, problem),
            Self::Unmet | Self::Repeated => Error::internal("a reply to a commit was not handled"),
        }
    }
}

/// Whether the error says that the connection is gone.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<std::io::Error>().is_some() {
            return true;
        }
        source = cause.source();
    }
    error.is_closed()
}

/// Whether the certificate of the server was refused.
fn is_refused_certificate(error: &tokio_postgres::Error) -> bool {
    let tls = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// The error of a store that cannot be reached.
pub(crate) fn unavailable(problem: String) -> Error {
    Cause::StoreUnavailable { problem }.into()
}

/// The error of a method that failed for a reason without a code.
pub(crate) fn failed(method: &str, problem: String) -> Error {
    Cause::StoreFailed {
        method: method.to_owned(),
        problem,
    }
    .into()
}

/// An error in one line. Of the server's errors it has the message and the code.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(of_server) = error.as_db_error() {
        let (message, code) = (of_server.message(), of_server.code().code());
        return format!("{message} (SQLSTATE {code})");
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

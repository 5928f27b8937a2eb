//! The core's tables of operations and of jobs, in the order in which the documentation shows them. Applications
//! have tables of their own; a host puts those that it serves into one [`Table`].

use crate::error::{Cause, Error, Result, cut};
use crate::work::job::AnyJob;
use crate::work::operation::AnyOperation;
use crate::{agent, audit, feed, lease, session, slot};

/// The operations of the core.
pub static OPERATIONS: &[&[&AnyOperation]] = &[
    session::operations::OPERATIONS,
    session::read::OPERATIONS,
    session::tool_calls::OPERATIONS,
    session::bulk::OPERATIONS,
    agent::operations::OPERATIONS,
    lease::operations::OPERATIONS,
    slot::operations::OPERATIONS,
    feed::operations::OPERATIONS,
];

/// The operations of administrators, those that remove old sessions or start many, those that give leases away,
/// that of the audit log, and the one whose bytes a mirror loads. The browser's module leaves them out.
pub static ADMINISTRATION: &[&[&AnyOperation]] = &[
    session::administration::OPERATIONS,
    session::cleanup::OPERATIONS,
    session::heads::OPERATIONS,
    lease::administration::OPERATIONS,
    audit::operations::OPERATIONS,
    slot::bulk::OPERATIONS,
];

/// The jobs of the core.
pub static JOBS: &[&[&AnyJob]] = &[lease::renewal::JOBS, slot::wait::JOBS];

/// The operations and jobs that a build serves.
#[derive(Clone, Copy)]
pub struct Table {
    /// Lists of operations.
    pub operations: &'static [&'static [&'static [&'static AnyOperation]]],
    /// Lists of jobs.
    pub jobs: &'static [&'static [&'static [&'static AnyJob]]],
    /// What a build that lacks an operation says to use instead; `None` for a name that is none.
    pub instead: fn(&str) -> Option<&'static str>,
}

impl Table {
    /// All operations.
    pub fn iter(self) -> impl Iterator<Item = &'static AnyOperation> {
        let lists = self.operations.iter().copied().flatten();
        lists.copied().flatten().copied()
    }

    /// All jobs.
    pub fn jobs(self) -> impl Iterator<Item = &'static AnyJob> {
        let lists = self.jobs.iter().copied().flatten();
        lists.copied().flatten().copied()
    }

    /// The job of a name.
    ///
    /// # Errors
    /// As [`Table::find`].
    pub fn find_job(self, name: &str) -> Result<&'static AnyJob> {
        let found = self.jobs().find(|job| job.signature.name == name);
        found.ok_or_else(|| self.missing(name))
    }

    /// The operation of a name.
    ///
    /// # Errors
    /// `UNSUPPORTED_OPERATION` for one that this build lacks, `UNKNOWN_OPERATION` for what is none.
    pub fn find(self, name: &str) -> Result<&'static AnyOperation> {
        let found = self.iter().find(|operation| operation.name() == name);
        found.ok_or_else(|| self.missing(name))
    }

    fn missing(self, name: &str) -> Error {
        match (self.instead)(name) {
            Some(instead) => Cause::UnsupportedOperation {
                name: name.to_owned(),
                instead: instead.to_owned(),
            }
            .into(),
            None => Cause::UnknownOperation {
                name: cut(name.to_owned()),
            }
            .into(),
        }
    }
}

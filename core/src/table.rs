//! The core's table of operations, in the order in which the documentation shows them. Applications
//! have tables of their own; a host puts those that it serves into one [`Table`].

use crate::error::{Cause, Result, cut};
use crate::work::operation::AnyOperation;
use crate::{agent, audit, copy, lease, session, slot};

/// The operations of the core.
pub static OPERATIONS: &[&[&dyn AnyOperation]] = &[
    session::operations::OPERATIONS,
    session::read::OPERATIONS,
    session::bulk::OPERATIONS,
    session::cleanup::OPERATIONS,
    agent::operations::OPERATIONS,
    lease::operations::OPERATIONS,
    slot::operations::OPERATIONS,
    audit::operations::OPERATIONS,
    copy::operations::OPERATIONS,
];

/// The operations that a build serves.
#[derive(Clone, Copy)]
pub struct Table {
    /// Lists of operations.
    pub operations: &'static [&'static [&'static [&'static dyn AnyOperation]]],
    /// What a build that lacks an operation says to use instead; `None` for a name that is none.
    pub instead: fn(&str) -> Option<&'static str>,
}

impl Table {
    /// All operations.
    pub fn iter(self) -> impl Iterator<Item = &'static dyn AnyOperation> {
        let lists = self.operations.iter().copied().flatten();
        lists.copied().flatten().copied()
    }

    /// The operation of a name.
    ///
    /// # Errors
    /// `UNSUPPORTED_OPERATION` for one that this build lacks, `UNKNOWN_OPERATION` for what is none.
    pub fn find(self, name: &str) -> Result<&'static dyn AnyOperation> {
        let found = self.iter().find(|operation| operation.name() == name);
        found.ok_or_else(|| match (self.instead)(name) {
            Some(instead) => Cause::UnsupportedOperation {
                name: name.to_owned(),
                instead: instead.to_owned(),
            }
            .into(),
            None => Cause::UnknownOperation {
                name: cut(name.to_owned()),
            }
            .into(),
        })
    }
}

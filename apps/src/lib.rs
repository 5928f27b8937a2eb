//! Applications made of Tenure's sessions, leases and audit log. Nothing in the core knows them, and a
//! build may leave them out: the browser's module has none of them.
//!
//! - [`dedup`]: runs of workflows that are not to be repeated.
//! - [`machines`]: processes, and the virtual machines that they own.
//! - [`hooks`]: what the hooks of an agent's host answer.
//! - [`folders`]: folders that other programs have written.

use tenure_core::work::operation::AnyOperation;

pub mod dedup;
pub mod folders;
pub mod hooks;
pub mod machines;

/// The operations of all applications.
pub static OPERATIONS: &[&[&dyn AnyOperation]] = &[
    folders::operations::OPERATIONS,
    hooks::operations::OPERATIONS,
    machines::operations::OPERATIONS,
    dedup::operations::OPERATIONS,
    dedup::log::OPERATIONS,
];

//! The execution of operations. An [`Operation`](operation::Operation) declares its parameters and its
//! reply. An [`Execution`](execution::Execution) runs one: it puts its requests to the store into a
//! [`Mailbox`](mailbox::Mailbox), and its driver performs them. A
//! [`Transaction`](transaction::Transaction) is the unit of work of most operations: reads, a decision,
//! one commit, and a retry after a conflict with another writer. A [`Job`](job::Job) is made of several
//! operations, and asks its driver to run each.

pub mod call;
pub mod context;
pub mod execution;
pub mod job;
pub mod mailbox;
pub mod operation;
#[cfg(feature = "outbox")]
mod outbox;
mod reads;
pub mod recalled;
pub mod signature;
pub mod trace;
pub mod transaction;
mod unit;
pub mod webhook;

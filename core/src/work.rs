//! How an operation runs. An [`Operation`](operation::Operation) declares what it takes and what it
//! replies. An [`Execution`](execution::Execution) runs one: it asks for what it needs of the store
//! through a [`Mailbox`](mailbox::Mailbox), and whoever drives it performs that and goes on. A
//! [`Transaction`](transaction::Transaction) is the unit of work that most operations are: reads, a
//! decision, one commit, and retry when another writer was faster.

pub mod call;
pub mod context;
pub mod execution;
pub mod mailbox;
pub mod operation;
pub mod transaction;
pub mod webhook;

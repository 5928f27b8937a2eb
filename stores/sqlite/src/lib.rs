//! Tenure's SQLite store: sessions in one file that many handles, threads and processes may share.
//!
//! A [`SqliteStore`] is one handle on a file. It reads on its own connection. It writes in one of
//! three ways, and in each the whole operation (load, decide, write) runs inside one transaction, so
//! that no other writer comes between:
//!
//! - [`transaction`](SqliteStore::transaction) waits for its turn and returns the result;
//! - [`try_transaction`](SqliteStore::try_transaction) does so if that needs no waiting;
//! - [`enqueue`](SqliteStore::enqueue) leaves the operation to the file's writer thread, which
//!   commits all that have queued together.
//!
//! Read `schema` for the tables, `store` for the handle, `unit` for the store that an operation
//! sees, `read_set` for what it need not read twice, `file` for what the handles of a process share,
//! and `writer` for the thread.

mod database;
mod failure;
mod file;
mod identity;
mod lock;
mod log;
mod options;
mod plan;
mod query;
mod queue;
mod read;
mod read_set;
mod row;
mod schema;
mod store;
mod unit;
mod write;
mod writer;

pub use options::SqliteOptions;
pub use store::SqliteStore;
pub use tenure_core::store::Durability;
pub use tenure_store_transaction::{Attempt, Done, Job};

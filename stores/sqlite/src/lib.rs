//! Tenure's SQLite store: sessions in a file that many handles, threads and processes may share.
//!
//! A [`SqliteStore`] is a handle on a file, which reads on its own connection. It has three ways to
//! write. In each, a whole operation (load, decide, write) runs inside one transaction, so no other
//! process writes in between:
//!
//! - [`transaction`](SqliteStore::transaction) waits for the lock and returns the result;
//! - [`try_transaction`](SqliteStore::try_transaction) does so if it does not have to wait;
//! - [`enqueue`](SqliteStore::enqueue) queues the operation for the file's writer thread, which
//!   commits queued operations together.
//!
//! `schema` has the tables, `store` the handle, `unit` the store for an operation in a transaction,
//! `read_set` the rows that an operation need not read again, `standing` what a connection need not, `texts` the index of tasks, `file` the state that handles of a
//! process share, and `writer` the thread.

mod answers;
mod backup;
mod check;
mod counts;
mod database;
mod failure;
mod feed;
mod file;
mod file_locks;
mod identity;
mod lock;
mod log;
mod migration;
mod options;
mod plan;
mod presence;
mod query;
mod queue;
mod read;
mod read_set;
mod recount;
mod row;
mod schema;
mod standing;
mod store;
mod texts;
mod texts_check;
mod unit;
mod write;
mod writer;

pub use check::{Checked, damage_of};
pub use options::SqliteOptions;
pub use store::SqliteStore;
pub use tenure_core::store::Durability;
pub use tenure_store_transaction::{Attempt, Done, Job};

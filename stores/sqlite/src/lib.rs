//! Tenure's SQLite store: sessions in one file that many handles, threads and processes may share.
//!
//! A [`SqliteStore`] is one handle on a file. It reads on its own connection. What it writes goes
//! one of three ways, and in each the whole operation (load, decide, write) runs inside one
//! transaction, so that no other writer comes between:
//!
//! - [`transaction`](SqliteStore::transaction) waits for its turn and answers;
//! - [`try_transaction`](SqliteStore::try_transaction) answers if that takes no waiting;
//! - [`enqueue`](SqliteStore::enqueue) leaves the operation to the file's writer thread, which
//!   commits what has come together in one go.
//!
//! Read `schema` for the tables, `store` for the handle, `unit` for the store that an operation
//! sees, `file` for what the handles of a process share, and `writer` for the thread.

mod database;
mod failure;
mod file;
mod lock;
mod options;
mod plan;
mod query;
mod read;
mod read_set;
mod row;
mod schema;
mod store;
mod unit;
mod write;
mod writer;

use tenure_core::store::Capabilities;

pub use options::SqliteOptions;
pub use store::{Attempt, SqliteStore};
pub use tenure_core::store::Durability;
pub use writer::{Done, Job};

const CAPABILITIES: Capabilities = Capabilities {
    persistent: true,
    shared: true,
    reindents: false,
    records_only: false,
};

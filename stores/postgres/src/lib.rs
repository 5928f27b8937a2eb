//! Tenure's store in a PostgreSQL database, for processes on several machines.
//!
//! ```text
//! sessions   a row for each session, with a column for each property; user data is text
//! events     the histories
//! records    leases, idempotency keys, the audit log and the like
//! changes    the feed: what each commit has changed
//! commits    the tokens of the last commits
//! feed       one row: the newest position, and how many changes are kept
//! settings   one row: the version of the schema
//! ```
//!
//! The tables are in a schema of their own. Statements name it, so that a connection has no state, and a
//! pooler may give each transaction another connection. The SQL is what PostgreSQL 13, CockroachDB and
//! YugabyteDB share: no advisory locks, no triggers, no JSON.
//!
//! **A commit is one round trip.** Its statements are sent together, each with its precondition. One whose
//! precondition is not met fails, so that the `COMMIT` behind it rolls back; only then the versions are read,
//! in a second round trip. A commit that changes one session is a single statement.
//!
//! **No commit is applied twice.** Each has a random token, which is unique in the database. If the connection is lost
//! while a commit is in flight, the same commit is sent again with the same token: if the first one was applied, the
//! second one fails, and the token says why. What cannot be found out in time is `OUTCOME_UNKNOWN`.
//!
//! **The feed needs no lock in commits.** A commit numbers its changes by a sequence, while it holds the rows that it
//! has changed. Commits that depend on each other are in the order of these numbers; others may become visible in
//! another order. So a change has no position at first. Readers of the feed give positions to the changes that they
//! see, in one short transaction that locks the row of `feed`. What becomes visible later gets a later position, so a
//! reader misses nothing. The same transaction removes the oldest changes. Writers remove them, too, now and then, so
//! that a feed without readers does not grow.
//!
//! **Waiting for changes.** A handle whose feed is read listens for notifications. While they arrive, and none has,
//! a feed without newer changes is answered without a query, for up to a second. Writers notify after their commits,
//! not in them, because a notification in a transaction makes all commits of a database wait for each other.
//!
//! **Time** is the server's: [`PostgresStore::clock_offset_ms`] is what an executor adds to its own clock.
//!
//! **One timeout** bounds a whole call: [`Store::begin`](tenure_core::Store::begin) returns the store with a deadline for
//! all requests of one operation.
//!
//! **A write to a session that was just read or written is one round trip.** A handle remembers such heads. An operation
//! is decided by them, and its commit expects that the same commits as before have written these sessions last. If
//! that commit is refused, the operation reads.
//!
//! `address` reads URLs, `options` has the settings, `tls` the encryption, `pool` the connections, `clock` the server's
//! time, `backoff` the pauses, `request` sends statements, `database` repeats reads, `schema` and `migration` have the tables, `row` their rows, `query` the SQL of lists,
//! `read`, `list` and `feed` read, `memory` remembers heads, `plan` makes statements of changes, `required` adds what all commits of a handle require, `commit` writes, `listen` notifies and listens, `signal` has what is known of that, and
//! `store` is the handle.

mod address;
mod backoff;
mod clock;
mod commit;
mod database;
mod failure;
mod feed;
mod list;
mod listen;
mod memory;
mod migration;
mod options;
mod plan;
mod pool;
mod query;
mod read;
mod request;
mod required;
mod row;
mod schema;
mod signal;
mod store;
mod tls;

pub use address::Address;
pub use options::PostgresOptions;
pub use pool::{PoolStatus, WAIT_BOUNDS_US};
pub use required::{Required, Requirement};
pub use store::PostgresStore;

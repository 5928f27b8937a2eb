//! The integration tests of the PostgreSQL store, as one program. They need a server, whose address is in the
//! environment variable `TENURE_TEST_POSTGRES`; `node scripts/postgres.mjs cargo test -p tenure-postgres` starts one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod concurrency;
mod conformance;
mod connections;
mod histories;
mod opening;
mod outbox;
mod properties;
mod proxy;
mod recalled;
mod required;
mod server;
mod servers;
mod waits;

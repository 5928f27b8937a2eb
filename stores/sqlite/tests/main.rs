//! The integration tests of the SQLite store, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[cfg(target_os = "linux")]
mod closing;
mod common;
mod concurrency;
mod conformance;
mod corruption;
mod counts;
mod damage;
#[cfg(target_os = "linux")]
mod full_disk;
mod kills;
mod lists;
mod opening;
mod presence;
mod queue;
mod size_limit;
mod transactions;

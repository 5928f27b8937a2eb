//! The integration tests of the SQLite store, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod conformance;
mod damage;
mod full;
mod killing;
#[cfg(target_os = "linux")]
mod leaving;
mod lists;
mod opening;
mod queue;
mod sharing;
mod transactions;

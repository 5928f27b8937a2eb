//! The integration tests of the git store, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod checkouts;
mod common;
mod concurrency;
mod conformance;
mod in_flight;
#[cfg(unix)]
mod kills;
mod properties;
mod servers;

//! The integration tests of the store in the refs of a git repository, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod checkouts;
mod common;
mod conformance;
mod in_flight;
#[cfg(unix)]
mod killing;
mod properties;
mod reaching;
mod sharing;

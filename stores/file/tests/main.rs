//! The integration tests of the file store, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod concurrency;
mod conformance;
mod crashes;
mod damage;
mod feed;
mod folders;
mod kills;
#[cfg(target_os = "linux")]
mod mounts;
mod queue;

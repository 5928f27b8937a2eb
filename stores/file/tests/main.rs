//! The integration tests of the store of files, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;
mod conformance;
mod damage;
mod folders;
mod killing;
#[cfg(target_os = "linux")]
mod mounts;
mod power;
mod queue;
mod sharing;

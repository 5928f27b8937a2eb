//! The integration tests of the native host, as one program: its stores by URL, and its processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[cfg(target_os = "linux")]
mod processes;
mod stores;

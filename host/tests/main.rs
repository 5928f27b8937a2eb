//! The integration tests of the native host, as one program: its stores by URL, how
//! operations run over asynchronous ones, and its processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod asynchronous;
mod metrics;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod recording;
mod stores;
mod webhooks;

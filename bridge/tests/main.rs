//! The integration tests of the bridge, as one program: operations by name, over stores of the host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod engine;
mod handles;
mod hostile;
mod invalid_replies;
mod jobs;
mod rules;
mod support;

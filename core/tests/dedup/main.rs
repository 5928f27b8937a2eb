//! Runs that are not to be repeated, and the audit log: what keeps a run from running, for how long,
//! whoever asks at once, and what is written down of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deciding;
mod log;
mod meeting;
mod model;
#[path = "../support/mod.rs"]
mod support;

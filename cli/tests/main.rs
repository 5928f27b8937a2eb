//! The integration tests of the command, as one program: the real binary, as scripts and people run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[cfg(target_os = "linux")]
mod agent;
#[cfg(unix)]
mod archive;
mod backup;
mod commands;
mod common;
#[cfg(target_os = "linux")]
mod completions;
mod copy_and_import;
#[cfg(unix)]
mod dedup;
#[cfg(unix)]
mod encryption;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod git;
#[cfg(unix)]
mod hook;
#[cfg(unix)]
mod jobs;
mod json;
#[cfg(target_os = "linux")]
mod lease;
#[cfg(target_os = "linux")]
mod messages;
mod metrics;
#[cfg(unix)]
mod missing_store;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod output;
#[cfg(unix)]
mod permissions;
#[cfg(unix)]
mod project;
#[cfg(unix)]
mod purge;
mod recording;
#[cfg(unix)]
mod registry;
#[cfg(unix)]
mod run;
mod session_id;
#[cfg(unix)]
mod slot;
mod token;
mod traces;
mod ui;
#[cfg(target_os = "linux")]
mod vm;
mod watch;
mod webhooks;

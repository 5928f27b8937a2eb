//! The integration tests of the SQLite store, as one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod backup;
mod clock;
#[cfg(target_os = "linux")]
mod closing;
mod common;
mod concurrency;
mod conformance;
mod corruption;
mod counts;
mod damage;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod disk;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod each_write;
#[cfg(target_os = "linux")]
mod full_disk;
mod kills;
mod lists;
#[cfg(target_os = "linux")]
mod memory;
mod migration;
mod opening;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod power_loss;
mod presence;
mod queue;
mod size_limit;
mod texts;
mod transactions;

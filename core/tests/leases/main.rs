//! Leases, and what is made of them: who gets one, who owns a virtual machine and who runs a session,
//! whatever the clock shows and whoever ends when.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod anything;
mod holding;
mod machine;
mod meeting;
mod owning;
mod running;
mod steps;
#[path = "../support/mod.rs"]
mod support;

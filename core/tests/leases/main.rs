//! Leases, and what is made of them: who gets one, who owns a virtual machine, who runs a session and
//! who comes into a slot, whatever the clock shows and whoever ends when.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod anything;
mod holding;
mod machine;
mod meeting;
mod owning;
mod running;
mod slots;
mod steps;
#[path = "../support/mod.rs"]
mod support;

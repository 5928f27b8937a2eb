//! Encrypted stores: they pass the conformance kit, nothing of a session is readable in what they write, a value decrypts at its own
//! place alone, rotation may end at any moment, and handles notice what it has changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod conformance;
mod places;
mod rotation;
mod stale;
mod support;

//! The integration tests of the conformance kit, as one program: an honest store passes, broken ones fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod broken;
mod memory;

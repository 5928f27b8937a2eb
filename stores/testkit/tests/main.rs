//! The integration tests of the conformance kit, as one program: honest stores pass,
//! broken ones fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broken;
mod memory;
mod slow;

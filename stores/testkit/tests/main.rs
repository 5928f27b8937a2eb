//! The integration tests of the conformance kit, as one program: correct stores pass, and stores
//! with defects fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broken;
mod memory;
mod slow;

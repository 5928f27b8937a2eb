//! The integration tests of the server, as one program: real servers on free ports of this machine, and a
//! client that sends bytes as an attacker would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod archive;
mod bounds;
mod calls;
mod closing;
mod files;
mod logs;
mod metrics;
mod streams;
mod support;
mod traces;

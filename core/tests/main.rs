//! The integration tests of the core, as one program: what its operations do, for every caller and in
//! every order, and what holds for every value that they take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod agents;
mod bulk;
mod concurrency;
mod copying;
mod dedup;
mod filter_properties;
mod jobs;
mod json_properties;
mod layouts;
mod leases;
mod lifecycle;
mod model;
mod redact_examples;
mod redact_properties;
mod slots;
mod support;

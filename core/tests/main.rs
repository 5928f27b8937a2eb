//! The integration tests of the core, as one program. They cover what each operation does,
//! concurrent callers in every order, and properties that hold for every input.

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
mod distribution;
mod exporting;
mod feed;
mod filter_properties;
mod jobs;
mod json_properties;
mod layouts;
mod leases;
mod lifecycle;
mod metrics;
mod mirror;
mod model;
mod recalled;
mod redact_examples;
mod redact_properties;
mod slots;
mod support;
mod webhooks;

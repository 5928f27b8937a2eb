//! Webhooks: changes of sessions are posted to the endpoints of a store, until each has arrived.
//!
//! The core writes a delivery for each endpoint in the commit of the change (`core/src/work/outbox.rs`). Here
//! are the endpoints with their secrets, what a deliverer claims and settles, and the job that delivers. The
//! job posts nothing itself: its driver does, and decides nothing.
//!
//! - [`endpoint`]: what is kept of an endpoint.
//! - [`signature`]: the headers of Standard Webhooks.
//! - [`schedule`]: when a delivery is attempted again.
//! - [`reason`]: why an attempt has failed.
//! - [`guard`]: which addresses are posted to.
//! - [`operations`]: adding, changing, listing and removing endpoints.
//! - [`queue`]: claiming deliveries and settling them.
//! - [`failed`]: deliveries that have failed for good.
//! - `waiting`: what waits at an endpoint.
//! - [`job`]: the jobs that deliver, and that test an endpoint.

pub mod endpoint;
pub mod failed;
pub mod guard;
pub mod job;
pub mod operations;
pub mod params;
pub mod queue;
pub mod reason;
pub mod schedule;
pub mod signature;
mod waiting;

//! Sessions: what callers see of them, what each step does to one, and the parameters and replies of
//! their operations.

pub mod administration;
pub mod administrator;
pub mod bulk;
pub mod change;
pub mod claim;
pub mod cleanup;
pub mod context_change;
pub mod distribution;
pub mod draft;
mod event_page;
pub mod forked_history;
pub mod heads;
pub mod idempotency;
pub mod operations;
pub mod params;
pub mod portable;
pub mod read;
mod redaction;
pub mod replies;
pub mod retention;
pub mod stats;
pub mod tool_calls;
pub mod view;

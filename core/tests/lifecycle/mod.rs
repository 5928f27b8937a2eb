//! The effects and replies of the operations on sessions. The sessions are in the memory store; the
//! conformance kit checks that every other store behaves like it.

mod context_changes;
mod event_pages;
mod fork_export_import;
mod history;
mod idempotency;
mod iterations;
mod limits;
mod lists;
mod overriding;
mod pausing;
mod retention;
mod tool_calls;
mod transitions;
mod usage;
mod versions;
mod webhooks;

//! The operations on agents. The agents are sessions in the memory store.

mod approvals;
mod finalization;
mod hooks;
mod host;
mod host_links;
mod lists_and_cleanup;
mod metrics;
mod model;
mod phases;
mod should_resume;

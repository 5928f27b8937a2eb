//! Applications made of sessions, leases and the audit log. Nothing below knows them.

pub mod dedup;
pub mod folders;
pub mod hooks;
pub mod machines;

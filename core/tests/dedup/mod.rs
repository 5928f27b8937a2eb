//! Deduplication of runs, and the audit log: which runs block others and for how long, concurrent
//! requests, and the audit entries.

mod audit_log;
mod concurrency;
mod decisions;
mod model;

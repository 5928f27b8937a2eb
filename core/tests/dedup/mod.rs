//! Deduplication of runs, and the audit log: what blocks a run, for how long, what happens to concurrent
//! requests, and which entries are written.

mod deciding;
mod log;
mod meeting;
mod model;

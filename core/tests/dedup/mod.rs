//! Runs that are not to be repeated, and the audit log: what keeps a run from running, for how long,
//! whoever asks at once, and what is written down of it.

mod deciding;
mod log;
mod meeting;
mod model;

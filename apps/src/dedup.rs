//! Runs of workflows that are not to be repeated: the decision, and the operations.

pub mod log;
pub mod operations;
pub mod params;
pub mod run;
pub mod stats;

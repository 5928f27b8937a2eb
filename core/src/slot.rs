//! Slots: one session for each phase of a task.

pub mod bulk;
pub mod decision;
pub mod message;
pub mod operations;
pub mod params;
mod start;
pub mod wait;

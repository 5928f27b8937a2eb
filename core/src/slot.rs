//! Slots: one session for each phase of a task.

pub mod decision;
pub mod message;
pub mod params;

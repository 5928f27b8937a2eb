//! Agents: sessions with a phase. Whether one should be resumed, and how they have done.

pub mod operations;
pub mod params;
pub mod resume;
pub mod steps;

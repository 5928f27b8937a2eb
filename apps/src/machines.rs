//! Processes, and the virtual machines that they own.

pub mod model;
pub mod operations;

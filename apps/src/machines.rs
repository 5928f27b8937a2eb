//! Processes, and the virtual machines that they own.

pub mod command;
pub mod model;
pub mod operations;

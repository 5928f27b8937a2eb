//! The hooks of an agent's host: before a task is handed to an agent, and after an agent has stopped.

pub mod operations;
pub mod request;

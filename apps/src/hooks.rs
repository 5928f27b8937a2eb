//! The hooks of an agent's host: before a task is handed to an agent, after an agent has stopped, and at
//! the events of a host that names them.

mod host;
pub mod index;
mod link;
pub mod operations;
mod payload;
mod prompt;
mod reply;
pub mod request;

//! Copying sessions and records from one store to another.

pub mod job;
pub mod kinds;
pub mod model;
pub mod operations;

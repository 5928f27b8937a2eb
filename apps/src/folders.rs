//! The import of folders that other programs have written.

mod agent;
mod dedup;
pub mod file;
pub mod job;
pub mod operations;
mod registry;
mod text;

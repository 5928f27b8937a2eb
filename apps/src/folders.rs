//! Folders that other programs have written: which of their files are known, and importing one.

mod agent;
mod dedup;
pub mod file;
pub mod operations;
mod registry;
mod text;

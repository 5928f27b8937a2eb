//! The audit log: what was decided, by which operation, and when.

mod backwards;
pub mod entry;
pub mod operations;
pub mod params;
pub mod range;
pub mod removal;

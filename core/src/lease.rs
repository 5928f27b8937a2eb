//! Leases: who holds what, since when and until when.

pub mod administration;
pub mod decision;
pub mod operations;
pub mod params;
pub mod renewal;
pub mod walk;

pub use crate::stored::lease::{KIND, Lease, MAX_KEY_BYTES, State};

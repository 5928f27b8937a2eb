//! Leases: who holds what, since when and until when.

pub mod decision;
pub mod model;
pub mod params;

pub use model::{KIND, Lease, MAX_KEY_BYTES, State};

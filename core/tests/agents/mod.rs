//! What the operations on agents do, as statements about their answers. Agents live in the memory
//! store, as all sessions of these tests do.

mod approvals;
mod endings;
mod hooks;
mod lists;
mod model;
mod numbers;
mod phases;
mod resuming;

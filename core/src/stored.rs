//! What a store keeps of a session, an event, an agent and a slot, and its generic records. User data
//! is JSON text here, and times are milliseconds. What callers see of these is in the domains.

pub mod agent;
pub mod approval;
#[cfg(feature = "outbox")]
pub mod delivery;
pub mod event;
pub mod head;
pub mod lease;
pub mod model;
pub mod phase;
pub mod record;
#[cfg(feature = "outbox")]
pub mod route;
pub mod slot;
pub mod status;

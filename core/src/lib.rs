//! The rules of Tenure: sessions of AI agents, what may happen to them, what is recorded, which of
//! them a list means and what their statistics say. The crate is pure: it reads no clock, no random
//! source, no file and no socket, and compiles unchanged for the browser. The present and entropy
//! come in with each call, and what is written goes out through a [`Store`].
//!
//! Read [`lifecycle`] for the statuses, [`session`] and [`event`] for what is kept, [`draft`] for
//! what each operation does to a session, [`store`] for what is asked of a store, and [`service`]
//! for the operations themselves.

pub mod administrator;
pub mod agent;
pub mod analytics;
pub mod answers;
pub mod audit;
pub mod copy;
pub mod dedup;
pub mod draft;
pub mod error;
pub mod event;
pub mod filter;
pub mod hook;
pub mod id;
pub mod idempotency;
pub mod json;
pub mod kinds;
pub mod layout;
pub mod lease;
pub mod lifecycle;
pub mod limits;
pub mod members;
pub mod memory;
pub mod ownership;
pub mod params;
pub mod phase;
pub mod portable;
pub mod process;
pub mod redact;
pub mod resume;
pub mod retention;
mod secret;
pub mod service;
pub mod session;
pub mod slot;
pub mod stats;
pub mod store;
pub mod text;
pub mod time;
#[cfg(feature = "ts")]
pub(crate) mod ts;
pub mod webhook;

pub use error::{Error, Result};
pub use event::{Event, SessionEvent};
pub use filter::{Filter, Order, Position};
pub use id::SessionId;
pub use json::Json;
pub use lifecycle::Status;
pub use limits::Limits;
pub use memory::MemoryStore;
pub use phase::Phase;
pub use process::{Host, Liveness, NO_HOST, Process};
pub use redact::Redact;
pub use service::{Environment, Service};
pub use session::{Head, Session, SessionHead};
pub use store::{Changes, Commit, History, Lift, Store, SyncStore};
pub use text::Text;
pub use time::{Millis, Timestamp};

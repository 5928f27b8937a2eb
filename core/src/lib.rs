//! The rules of Tenure: sessions of AI agents, what may happen to them, what is recorded, which of
//! them a list means and what their statistics say. The crate is pure: it reads no clock, no random
//! source, no file and no socket, and compiles unchanged for the browser. Time and entropy come in
//! with each call, and what is written goes out through a [`Store`].
//!
//! The modules are layers; each uses only those above it in this list. [`value`] has JSON, text, times
//! and ids. [`stored`] has what a store keeps, [`store`] the trait. The domains [`audit`], [`lease`],
//! [`session`], [`agent`] and [`slot`] hold the rules. [`feed`] shows what their operations have changed.

pub mod agent;
pub mod audit;
pub mod error;
pub mod feed;
pub mod lease;
pub mod session;
pub mod slot;
pub mod store;
pub mod stored;
pub mod table;
pub mod value;
pub mod work;

pub use error::{Error, Result};
pub use session::view::{Session, SessionEvent, SessionHead};
pub use store::filter::{Filter, Order, Position};
pub use store::memory::MemoryStore;
pub use store::{Changes, Commit, History, Lift, Store, SyncStore};
pub use stored::event::Event;
pub use stored::head::Head;
pub use stored::phase::Phase;
pub use stored::status::Status;
pub use value::id::SessionId;
pub use value::json::Json;
pub use value::limits::Limits;
pub use value::models::Models;
pub use value::process::{Host, Liveness, NoHost, Process};
pub use value::redact::Redact;
pub use value::text::Text;
pub use value::time::{Millis, Timestamp};

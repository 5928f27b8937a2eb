//! Encryption at rest. [`Sealed`] stands between the operations and a synchronous store, [`SealedAsync`] before an
//! asynchronous one: what is written is encrypted, what is read is decrypted, and the store below keeps the same
//! sessions with other texts. So every store has it, and no rule and no store knows of it.
//!
//! Encrypted are the texts of [`Head::USER_DATA`](tenure_core::Head::USER_DATA), the data of events, and the bodies of records
//! with user data. Everything that filters, orders and statistics read stays readable to the store; only the filter `text`
//! needs the tasks, and is applied here.
//!
//! Each value is encrypted by itself, by XChaCha20-Poly1305 with a random nonce of 192 bits: processes that share a key need no
//! common counter. It names its key, and is bound to its place: the session, and the property or the number of the event. A value
//! that was changed, or copied to another place, is refused.
//!
//! Another process may encrypt a store, or replace its key, while a handle is open. So each commit of a handle looks at the records
//! of the keys again, also that of a handle without keys, which [`Plain`] and [`PlainAsync`] are for.
//!
//! `seal` has the keys and the cipher, `value` what of a head, an event and a record is encrypted, `marks` the records by which keys are
//! known, `store` the two stores, `plain` those without keys, `search` the lists, and `rotate` what encrypts old values with the current
//! key.

mod marks;
mod plain;
mod rotate;
mod seal;
mod search;
mod store;
mod value;

pub use marks::{IN_USE, KEY_RECORDS};
pub use plain::{Plain, PlainAsync};
pub use rotate::{CommitUnseen, Rotation, rotate, rotate_async};
pub use seal::{Fill, KEY_BYTES, Place, Seal, SealKey};
pub use store::{Sealed, SealedAsync};
pub use value::SEALED_KINDS;

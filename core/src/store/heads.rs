//! The heads of many sessions as bytes, which a memory store that mirrors another store loads in less time
//! than JSON takes to read. What lists and statistics order and count by is in front of each head, so that
//! the rest, which is JSON, is read when it is needed.
//!
//! ```text
//! tenureH2    the form
//! names       their number, then each name: those of users, modes and models
//! kinds       their number, then each kind: user, mode, status, whether in the trash, model
//! heads       their number, then each head, in the order of creation, with its length before it
//! orders      the places among the heads: of all by id; of those with a user by user, with their number
//!             before them; of all by status
//! gone        the number of the sessions that are no longer there, then their ids
//! ```
//!
//! A number is in base 128, the lowest digit first, and a text has its length before it. Names and kinds are
//! referred to by their places; a name by one more, since 0 stands for none.

mod form;
mod read;
mod write;

pub(super) use read::{Block, Index, Known};
pub use write::encode;

//! Whether a recorded history of concurrent operations is linearizable: whether each operation can be placed at
//! one moment between its call and its return, so that one after the other they have the outcomes that were
//! recorded.
//!
//! The search is the one of Wing and Gong with Lowe's memory of what was tried, as in the checker `porcupine`. An
//! operation whose outcome is unknown has no return: it may take effect at any moment after its call, or never.
//!
//! A history of many keys is checked key by key: it is linearizable if each part is, which takes far less time.
//!
//! `history` records, `check` searches, `model` says what operations do.

mod check;
mod history;
mod model;

pub use check::{Verdict, Violation, check};
pub use history::{Operation, Recorder, Running};
pub use model::Model;

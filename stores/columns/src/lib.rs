//! The columns in which the relational stores keep heads, events and records: their names, the values that a
//! store writes into them, and how they are read. It knows no database: a store brings [`Columns`] over its rows, and binds [`Value`]s
//! its own way.

mod count;
mod head;
mod read;

pub use count::{restored, stored};
pub use head::{HEAD_COUNT, Value, head_values};
pub use read::{Columns, Damage, read_event, read_head, read_record, status};

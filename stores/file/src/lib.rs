//! Tenure's store of files: a folder that holds a folder for each session, and in it the whole
//! session as one `session.json` that people and other programs can read. Any number of threads and
//! processes may use the folder at once, and folders of other programs open as they are.
//!
//! ```text
//! sessions/
//!   session_mk5x3f_0d9a/session.json    a session, with the records that it owns
//!   .tenure/lock                        held by the writer
//!   .tenure/next.json                   what is being written, until it is renamed
//!   .tenure/intent.json                 the last write of several files
//!   .tenure/records/<kind>/<hash>.json  the other records, and where owned ones are
//!   .tenure/gone/                       what is being removed
//! ```
//!
//! A write of one file is a synced temporary file and a rename. A write of several is an intent
//! first: from then on every reader reads the files as the intent says, and the writer, or the next
//! one if this one dies, makes them so.
//!
//! A commit rewrites its session's file, so its cost grows with the history. `list`, `tally` and
//! `scan` read every session; they keep only the heads in memory that they return.
//!
//! Read `disk` for what is asked of an operating system, `store` for the handle, `folder` for the lock,
//! `view` for how files are read, `plan` for what a commit changes, and `write` for the order in which
//! it does.

mod bucket;
mod disk;
mod failure;
mod folder;
mod intent;
mod layout;
mod list;
mod options;
mod plan;
mod queue;
mod session_file;
mod store;
mod view;
mod write;

pub use disk::{Disk, Entry, Os};
pub use options::FileOptions;
pub use store::FileStore;
pub use tenure_core::store::Durability;
pub use tenure_store_transaction::{Attempt, Done, Job};

//! Tenure's file store: a folder with a folder for each session, which contains the complete
//! session as one `session.json` that people and other programs can read. Any number of threads and
//! processes may use the folder at the same time. Folders of other programs can be opened without
//! conversion.
//!
//! ```text
//! sessions/
//!   session_mk5x3f_0d9a/session.json    a session, with the records that it owns
//!   .tenure/lock                        the lock file of the writer
//!   .tenure/next.json                   a new file, until it is renamed
//!   .tenure/intent.json                 the last write of several files
//!   .tenure/records/<kind>/<hash>.json  records without an owner, and pointers to the others
//!   .tenure/changes/                    the log of changes, which is the feed
//!   .tenure/gone/                       folders that are being removed
//! ```
//!
//! A write of one file is a synced temporary file and a rename. A write of several files starts
//! with an intent. From then on readers use the contents in the intent, and the writer applies it.
//! If the writer dies, the next writer applies the intent.
//!
//! A commit rewrites the file of its session, so its cost grows with the history. `list`, `tally`
//! and `scan` read every session, and keep only the returned heads and records in memory.
//!
//! Each commit adds a line to the log of changes before it is applied, and marks it afterwards. What
//! other programs change in session files is not in the log.
//!
//! `disk` has the operations of the file system, `store` the handle, `folder` the lock, `view` the
//! reads, `plan` the changes of a commit, `write` the order in which they are written, and `log` the
//! feed.

mod backup;
mod bucket;
mod check;
mod disk;
mod failure;
mod folder;
mod intent;
mod layout;
mod list;
mod log;
mod options;
mod plan;
mod queue;
mod segment;
mod session_file;
mod store;
mod view;
mod write;

pub use disk::{Disk, Entry, Held, Os};
pub use options::FileOptions;
pub use store::FileStore;
pub use tenure_core::store::Durability;
pub use tenure_store_transaction::{Attempt, Done, Job};

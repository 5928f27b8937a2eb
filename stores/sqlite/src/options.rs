//! The options of a SQLite store.

use tenure_core::store::{Durability, OnMigration};
use tenure_permissions::FileMode;

/// The options of a SQLite store.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The durability of this handle's writes.
    pub durability: Durability,
    /// How long a write waits for other writers of the file, in milliseconds. After that it fails
    /// with `STORE_UNAVAILABLE`.
    pub busy_timeout_ms: u32,
    /// The maximum size of the database file in bytes. A write by this handle that would exceed it
    /// fails with `STORAGE_FULL`.
    pub max_bytes: Option<u64>,
    /// Whether this handle is opened for a few calls, like that of a command. As the last handle to
    /// close it leaves a short write-ahead log, because a checkpoint would make every command wait
    /// for the disk.
    pub brief: bool,
    /// The number of changes that the feed of the file keeps from now on; `None` leaves it as it is,
    /// 100,000 at first.
    pub keep_changes: Option<u64>,
    /// Whether the file has an index of tasks, by which the filter `text` finds few sessions among many,
    /// from now on; `None` leaves it as it is, without one at first.
    pub text_index: Option<bool>,
    /// What is called while opening the file migrates it.
    pub on_migration: Option<OnMigration>,
    /// The permissions of a new database and of new folders.
    pub file_mode: FileMode,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Normal,
            busy_timeout_ms: 5000,
            max_bytes: None,
            brief: false,
            keep_changes: None,
            text_index: None,
            on_migration: None,
            file_mode: FileMode::PRIVATE,
        }
    }
}

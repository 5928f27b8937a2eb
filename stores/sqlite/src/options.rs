//! How a SQLite store is opened.

use tenure_core::store::Durability;

/// How a SQLite store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What this handle's acknowledged writes survive.
    pub durability: Durability,
    /// How long a write waits for other writers of the file, in milliseconds. After that it fails
    /// with `STORE_UNAVAILABLE`.
    pub busy_timeout_ms: u32,
    /// The size in bytes that this handle's writes do not let the database file grow beyond; they
    /// fail with `STORAGE_FULL` instead.
    pub max_bytes: Option<u64>,
    /// Whether this handle is open for a call or two, as that of a command is. Then a short
    /// write-ahead log is left for later when it closes as the last one: copying it into the database
    /// would have every command wait for the disk.
    pub brief: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Normal,
            busy_timeout_ms: 5000,
            max_bytes: None,
            brief: false,
        }
    }
}

//! The options of a file store.

use tenure_core::store::Durability;
use tenure_permissions::FileMode;

/// The options of a file store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// The durability of this handle's writes.
    pub durability: Durability,
    /// How long a write waits for other writers of the folder, in milliseconds. After that it fails
    /// with `STORE_UNAVAILABLE`.
    pub busy_timeout_ms: u32,
    /// The number of changes that the feed of the folder keeps from now on; `None` leaves it as it is,
    /// 10,000 at first.
    pub keep_changes: Option<u64>,
    /// The permissions of new files and folders.
    pub file_mode: FileMode,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Normal,
            busy_timeout_ms: 5000,
            keep_changes: None,
            file_mode: FileMode::PRIVATE,
        }
    }
}

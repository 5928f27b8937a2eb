//! How a store of files is opened.

use tenure_core::store::Durability;

/// How a store of files is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// What this handle's acknowledged writes survive.
    pub durability: Durability,
    /// How long a write waits for other writers of the folder, in milliseconds. After that it fails
    /// with `STORE_UNAVAILABLE`.
    pub busy_timeout_ms: u32,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Normal,
            busy_timeout_ms: 5000,
        }
    }
}

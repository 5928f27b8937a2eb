//! How a store of files is opened.

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The end of the process, however sudden. After a power failure every session is there as it
    /// was at some time, whole.
    #[default]
    Normal,
    /// A power failure too: every commit waits until the disk has it.
    Full,
}

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

//! The options of a git store.

use std::path::PathBuf;

/// The options of a git store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOptions {
    /// The timeout of one run of git, in milliseconds. A read needs one or two runs. A write needs
    /// two, and more if other processes write the same refs.
    pub timeout_ms: u64,
    /// The folder in which names of remotes and relative paths are resolved: the working directory
    /// by default.
    pub folder: Option<PathBuf>,
}

impl Default for GitOptions {
    fn default() -> Self {
        Self {
            timeout_ms: 60_000,
            folder: None,
        }
    }
}

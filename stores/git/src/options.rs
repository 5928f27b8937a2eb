//! How a store in a git repository is opened.

use std::path::PathBuf;

/// How a store in a git repository is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOptions {
    /// How long one run of git may take, in milliseconds. A read is one or two runs, a write is two, and
    /// more whenever another writer was faster.
    pub timeout_ms: u64,
    /// Where names of remotes and relative paths are resolved: the working directory by default.
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

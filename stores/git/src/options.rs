//! How a store in a git repository is opened.

use std::path::PathBuf;

/// How a store in a git repository is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOptions {
    /// How long one run of git may take, in milliseconds: a read is one or two, a write is two and one
    /// more each time that somebody else was faster.
    pub timeout_ms: u64,
    /// Where names of remotes and relative paths are looked up: the working directory by default.
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

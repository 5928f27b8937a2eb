//! A write of several files, which is recorded before the first of them is written. While it is
//! pending, readers use the contents in the intent instead of the files. When it is done, only its
//! number remains, by which readers of several files detect that a write was applied meanwhile.

use serde::{Deserialize, Serialize};
use tenure_core::SessionId;

use crate::layout::{self, BucketName};

/// The last write of several files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// The number of writes of several files so far.
    pub(crate) number: u64,
    /// The pending file writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<FileWrite>,
}

impl Intent {
    pub(crate) fn is_pending(&self) -> bool {
        !self.files.is_empty()
    }

    /// The pending write of a file, if there is one.
    pub(crate) fn file(&self, target: &Target) -> Option<&FileWrite> {
        self.files.iter().find(|file| file.target == *target)
    }
}

/// A file to write or to remove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileWrite {
    pub(crate) target: Target,
    /// The new content. `None` removes the file; for a session, its folder with all contents.
    pub(crate) text: Option<String>,
}

/// A file that a commit writes. A deserialized target cannot lead out of the store's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    Session(SessionId),
    Records(BucketName),
}

impl Target {
    /// The path of the file.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Session(id) => layout::session(id),
            Self::Records(name) => name.path(),
        }
    }
}

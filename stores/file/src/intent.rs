//! A write of several files, as it is noted before the first of them is written. While it is pending,
//! readers read the files as it says; when it is done only its number is left, by which readers of
//! many files notice that there was one meanwhile.

use serde::{Deserialize, Serialize};
use tenure_core::SessionId;

use crate::layout::BucketName;

/// The last write of several files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// Counts these writes.
    pub(crate) number: u64,
    /// What is still to be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<FileWrite>,
}

impl Intent {
    pub(crate) fn is_pending(&self) -> bool {
        !self.files.is_empty()
    }

    /// What it says of a file, if it says anything.
    pub(crate) fn file(&self, target: &Target) -> Option<&FileWrite> {
        self.files.iter().find(|file| file.target == *target)
    }
}

/// A file to write or to remove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileWrite {
    pub(crate) target: Target,
    /// What it is to hold; `None` removes it, a session's folder with all that is in it.
    pub(crate) text: Option<String>,
}

/// A file that commits write. Read from text, it still cannot lead out of the store's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    Session(SessionId),
    Records(BucketName),
}

//! The manifest of a batch: what was archived, where, and its digests. It has nothing of the user data.

use serde::{Deserialize, Serialize};
use tenure_core::{Json, Timestamp};

/// The format of manifests and objects.
pub(crate) const FORMAT: u32 = 1;

/// The manifest of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The format: 1.
    pub format: u32,
    /// When the batch was archived.
    pub at: Timestamp,
    /// The run that has archived it, which the names of its objects contain.
    pub run: String,
    /// The sessions.
    pub sessions: Vec<Entry>,
}

/// An archived session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The id of the session.
    pub id: String,
    /// The version of the session.
    pub version: u64,
    /// The object, from the root of the archive.
    pub path: String,
    /// The size of the object, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the object, in hexadecimal digits.
    pub sha256: String,
    /// The size of the text that `export` returns, in bytes.
    pub text_bytes: u64,
    /// How the text is compressed: `gzip`; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// The id of the key with which the object is encrypted; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was archived; in lists only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    /// The session's user, mode, status, task, phase, model, times and number of events, a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Json>,
}

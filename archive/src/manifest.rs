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

impl Entry {
    /// The order of the versions of an id: a session that was created later has used the id again, and of one session the highest version is
    /// the last one. When they were archived, a clock says that may have been wrong.
    pub(crate) fn order(&self) -> (Option<Timestamp>, u64) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct About {
            created_at: Option<Timestamp>,
        }
        let about = self.about.as_ref();
        let about = about.and_then(|about| serde_json::from_str::<About>(about.as_str()).ok());
        (about.and_then(|about| about.created_at), self.version)
    }
}

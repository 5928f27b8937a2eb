//! Idempotency keys. A call that carries one is written together with a record of the key; a repeat
//! finds the record and changes nothing. The record holds what identifies the result, never its
//! body, and is owned by the session: it is kept as long as the session is.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::{Expect, RecordChange};
use crate::stored::record::Record;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;

/// Keys of `start` and the like: unique within the store.
pub const STORE_SCOPE: &str = "idempotency.store";
/// Keys of changes to a session: unique within the session.
pub const SESSION_SCOPE: &str = "idempotency.session";

const MAX_KEY_BYTES: usize = 512;

/// What is kept under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    fingerprint: String,
    /// The session that the call made or changed.
    pub session: SessionId,
    /// The first event that the call wrote.
    pub first: u64,
    /// The last event that the call wrote.
    pub last: u64,
}

/// A key that a call carries, in its scope.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    given: &'a str,
    /// The record's kind.
    pub kind: &'static str,
    /// The record's key.
    pub key: String,
    fingerprint: Fingerprint,
}

impl<'a> Key<'a> {
    /// A key within the store.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the key is empty or longer than 512 bytes.
    pub fn in_store(given: &'a str, fingerprint: Fingerprint) -> Result<Self> {
        Self::new(given, STORE_SCOPE, given.to_owned(), fingerprint)
    }

    /// A key within a session.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the key is empty or longer than 512 bytes.
    pub fn in_session(id: &SessionId, given: &'a str, fingerprint: Fingerprint) -> Result<Self> {
        // No id has a slash in it, so that no two pairs of id and key make the same text.
        Self::new(given, SESSION_SCOPE, format!("{id}/{given}"), fingerprint)
    }

    fn new(
        given: &'a str,
        kind: &'static str,
        key: String,
        fingerprint: Fingerprint,
    ) -> Result<Self> {
        if given.is_empty() || given.len() > MAX_KEY_BYTES {
            return Err(Error::invalid(
                "idempotencyKey",
                format!("expected 1 to {MAX_KEY_BYTES} bytes, got {}", given.len()),
            ));
        }
        Ok(Self {
            given,
            kind,
            key,
            fingerprint,
        })
    }

    /// Reads what an earlier call with this key has kept.
    ///
    /// # Errors
    /// `IDEMPOTENCY_MISMATCH` when that call had other parameters, `STORE_MISBEHAVED` when the
    /// record is not one that a call has kept.
    pub fn read(&self, record: &Record) -> Result<Kept> {
        let kept = serde_json::from_str::<Kept>(&record.body)
            .ok()
            // A call that wrote no event ends before it begins.
            .filter(|kept| kept.first >= 1 && kept.first - 1 <= kept.last);
        let kept = kept.ok_or_else(|| Error::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!(
                "the record of key {:?} is not one that was kept",
                self.given
            ),
        })?;
        if kept.fingerprint != self.fingerprint.text() {
            return Err(Error::IdempotencyMismatch {
                key: self.given.to_owned(),
            });
        }
        Ok(kept)
    }

    /// The change that keeps the key for a repeat.
    pub fn keep(&self, session: &SessionId, first: u64, last: u64) -> RecordChange {
        let kept = Kept {
            fingerprint: self.fingerprint.text(),
            session: session.clone(),
            first,
            last,
        };
        let record = Record {
            kind: self.kind.to_owned(),
            key: self.key.clone(),
            version: 1,
            expires_at: None,
            owner: Some(session.clone()),
            body: crate::value::json::Json::of(&kept).as_str().to_owned(),
        };
        RecordChange::put(Expect::Absent, record)
    }
}

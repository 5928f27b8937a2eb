//! Idempotency keys. A call with a key writes a record of the key in its commit; a repeated call finds
//! the record and changes nothing. The record identifies the result and does not contain it. The session
//! owns the record: both are deleted together.

use serde::Serialize;

use crate::error::{Cause, Error, Result};
use crate::stored::record::Record;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::properties::{Properties, Stored};
use crate::work::transaction::{Attempt, Transaction};

/// Keys of `start` and the like: unique within the store.
pub const STORE_SCOPE: &str = "idempotency.store";
/// Keys of changes to a session: unique within the session.
pub const SESSION_SCOPE: &str = "idempotency.session";

const MAX_KEY_BYTES: usize = 512;

/// The stored result of a call with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredKey {
    fingerprint: String,
    /// The session that the call made or changed.
    pub session: SessionId,
    /// The first event that the call wrote.
    pub first: u64,
    /// The last event that the call wrote.
    pub last: u64,
}

impl Stored for StoredKey {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            fingerprint: properties.take("fingerprint"),
            session: properties.get("session")?,
            first: properties.take("first"),
            last: properties.take("last"),
        })
    }
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

    /// Reads the result of an earlier call with this key.
    ///
    /// # Errors
    /// `IDEMPOTENCY_MISMATCH` if that call had other parameters, `STORE_MISBEHAVED` if the record is no
    /// stored result.
    pub fn read(&self, record: &Record) -> Result<StoredKey> {
        let kept = StoredKey::read("key", &record.body)
            .ok()
            // A call that wrote no event ends before it begins.
            .filter(|kept| kept.first >= 1 && kept.first - 1 <= kept.last);
        let kept = kept.ok_or_else(|| Cause::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!(
                "the record of key {:?} is not one that was kept",
                self.given
            ),
        })?;
        if kept.fingerprint != self.fingerprint.text() {
            return Err(Cause::IdempotencyMismatch {
                key: self.given.to_owned(),
                id: kept.session.to_string(),
            }
            .into());
        }
        Ok(kept)
    }

    /// The result of an earlier call with this key; `None` if there was none.
    ///
    /// # Errors
    /// Those of [`Key::read`], and of the store.
    pub fn find(&self, tx: &mut Transaction<'_>) -> Attempt<Option<StoredKey>> {
        let record = tx.record(self.kind, &self.key)?;
        Ok(record.map(|record| self.read(&record)).transpose()?)
    }

    /// Stores the result of the call under the key.
    ///
    /// # Errors
    /// Those of the store.
    pub fn put(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionId,
        first: u64,
        last: u64,
    ) -> Attempt<()> {
        let stored = StoredKey {
            fingerprint: self.fingerprint.text(),
            session: session.clone(),
            first,
            last,
        };
        tx.put_record(Record {
            kind: self.kind.to_owned(),
            key: self.key.clone(),
            version: 1,
            expires_at: None,
            owner: Some(session.clone()),
            body: Json::of(&stored).as_str().to_owned(),
        })
    }
}

//! The records by which the keys of a store are known: one for each key that has encrypted something, with a known text. So a key
//! that is missing, or is another one of the same id, is noticed when the store is opened, before anything is read or written.

use tenure_core::error::Cause;
use tenure_core::store::{Commit, Expect, Record, RecordChange, Scan};
use tenure_core::{Error, Result};

use crate::seal::{Place, Seal};
use crate::value::{sealed_part, sealed_property};

/// The kind of the records of the keys.
pub const KEY_RECORDS: &str = "encryption";
/// Their text.
const KNOWN: &str = "the key of this store";
/// The keys of a store that are read: those that an interrupted change of the key has left.
const MOST_KEYS: u32 = 100;

/// Reads the records of all keys.
pub(crate) fn all() -> Scan {
    Scan {
        kind: KEY_RECORDS.to_owned(),
        after: None,
        limit: MOST_KEYS,
    }
}

/// Reads one of them.
pub(crate) fn first() -> Scan {
    Scan { limit: 1, ..all() }
}

/// Refuses a store that has such a record, for a caller without keys.
pub(crate) fn refused(records: &[Record]) -> Result<()> {
    match records.first() {
        None => Ok(()),
        Some(record) => Err(unavailable(format!(
            "it is encrypted with the key {:?}; give that with the option `encryption`, or with --encryption-key",
            record.key
        ))),
    }
}

/// Whether a commit was refused because another process has written the record of a key.
pub(crate) fn is_mark_conflict(commit: &Commit) -> bool {
    matches!(commit, Commit::RecordConflict { record_kind, .. } if record_kind == KEY_RECORDS)
}

impl Seal {
    /// Checks that all keys that have encrypted something are there.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) fn check_keys(&self, records: &[Record]) -> Result<()> {
        for record in records {
            self.check_key(record)?;
            if record.key == self.current() {
                self.note_marked();
            }
        }
        Ok(())
    }

    /// Checks a key by its record.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` for a wrong or missing key.
    pub(crate) fn check_key(&self, record: &Record) -> Result<()> {
        let id = &record.key;
        if !self.ids().any(|known| known == id) {
            return Err(unavailable(format!(
                "it is encrypted with the key {id:?}, which was not given"
            )));
        }
        let place = Place::Record {
            kind: KEY_RECORDS,
            key: id,
        };
        let sealed = sealed_part(&record.body).unwrap_or_default();
        match self.decrypt(place, sealed) {
            Ok(known) if known == KNOWN => Ok(()),
            _ => Err(unavailable(format!(
                "the key that was given as {id:?} is not the key {id:?} that it is encrypted with"
            ))),
        }
    }

    /// The change that writes the record of the current key.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn mark(&self) -> Result<RecordChange> {
        let key = self.current();
        let place = Place::Record {
            kind: KEY_RECORDS,
            key,
        };
        let record = Record {
            kind: KEY_RECORDS.to_owned(),
            key: key.to_owned(),
            version: 1,
            expires_at: None,
            owner: None,
            body: sealed_property(&self.encrypt(place, KNOWN)?),
        };
        Ok(RecordChange::put(Expect::Absent, record))
    }
}

fn unavailable(problem: String) -> Error {
    Cause::StoreUnavailable { problem }.into()
}

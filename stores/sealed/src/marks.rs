//! The records by which the keys of a store are known: one for each key that has encrypted something, with a known text. So a key
//! that is missing, or is another one of the same id, is noticed when the store is opened, before anything is read or written.
//!
//! The version of a record says whether its key encrypts. A rotation begins by marking the other keys as replaced: what a handle
//! encrypted with one of them after that, the rotation might have passed already. It ends by marking them as retired: their keys are not
//! needed to open the store, and do not come into use again before a rotation to them.

use tenure_core::error::Cause;
use tenure_core::store::{Commit, Expect, Record, RecordChange, Scan};
use tenure_core::{Error, Result};

use crate::seal::{Place, Seal};
use crate::value::{sealed_part, sealed_property};

/// The kind of the records of the keys.
pub const KEY_RECORDS: &str = "encryption";
/// The version of the record of a key that encrypts.
pub const IN_USE: u64 = 1;
/// The version of the record of a key that a rotation replaces.
const REPLACED: u64 = 2;
/// The version of the record of a key that has encrypted nothing that is left.
const RETIRED: u64 = 3;
/// Their text.
const KNOWN: &str = "the key of this store";
/// The keys of a store that are read, the retired ones among them.
const MOST_KEYS: u32 = 1000;

/// Reads the records of all keys.
pub(crate) fn all() -> Scan {
    Scan {
        kind: KEY_RECORDS.to_owned(),
        after: None,
        limit: MOST_KEYS,
    }
}

/// Refuses a store that has such a record, for a caller without keys.
pub(crate) fn refused(records: &[Record]) -> Result<()> {
    match in_use(records) {
        None => Ok(()),
        Some(key) => Err(unavailable(format!(
            "it is encrypted with the key {key:?}; give that with the option `encryption`, or with --encryption-key"
        ))),
    }
}

/// The id of a key by its records: one that encrypts, if there is one.
pub(crate) fn in_use(records: &[Record]) -> Option<&str> {
    let found = records.iter().find(|record| record.version == IN_USE);
    found.or(records.first()).map(|record| record.key.as_str())
}

/// The error of a handle without keys whose store another process has encrypted.
pub(crate) fn encrypted_meanwhile(key: &str) -> Error {
    unavailable(format!(
        "it was encrypted with the key {key:?} while it was open without keys; open it again with that"
    ))
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
            if record.key == self.current() && record.version == IN_USE {
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
        if record.version == RETIRED {
            return Ok(());
        }
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

    /// Whether the store lacks the record of the current key, which has not encrypted anything in it yet. `records` are those of
    /// all keys.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` for a wrong or missing key, and for one that a rotation replaces.
    pub(crate) fn lacks_mark(&self, records: &[Record]) -> Result<bool> {
        for record in records {
            self.check_key(record)?;
        }
        let own = records.iter().find(|record| record.key == self.current());
        match own {
            None => Ok(true),
            own => self.expect_in_use(own).map(|()| false),
        }
    }

    /// Checks that the current key, which has encrypted something in this store, is not replaced, by its record.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) fn expect_in_use(&self, record: Option<&Record>) -> Result<()> {
        match record.is_some_and(|record| record.version == IN_USE) {
            true => Ok(()),
            false => Err(self.replaced()),
        }
    }

    /// The error of a handle whose key a rotation replaces or has replaced.
    pub(crate) fn replaced(&self) -> Error {
        unavailable(format!(
            "the key {:?} is replaced by a rotation, and encrypts nothing more in it; open it again with the new key as the first one",
            self.current()
        ))
    }

    /// The change that writes the record of the current key.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn mark(&self, expect: Expect) -> Result<RecordChange> {
        let key = self.current();
        let place = Place::Record {
            kind: KEY_RECORDS,
            key,
        };
        let record = Record {
            kind: KEY_RECORDS.to_owned(),
            key: key.to_owned(),
            version: IN_USE,
            expires_at: None,
            owner: None,
            body: sealed_property(&self.encrypt(place, KNOWN)?),
        };
        Ok(RecordChange::put(expect, record))
    }
}

/// The change that marks the key of a record as replaced; `None` if it encrypts nothing.
pub(crate) fn replacing(record: Record) -> Option<RecordChange> {
    changing(record, IN_USE, REPLACED)
}

/// The change that marks the key of a record as retired, if it is marked as replaced.
pub(crate) fn retiring(record: Record) -> Option<RecordChange> {
    changing(record, REPLACED, RETIRED)
}

/// The change of the version of a record, if it has this one.
fn changing(record: Record, version: u64, to: u64) -> Option<RecordChange> {
    let is_this = record.version == version;
    let changed = Record {
        version: to,
        ..record
    };
    is_this.then(|| RecordChange::put(Expect::Version { version }, changed))
}

fn unavailable(problem: String) -> Error {
    Cause::StoreUnavailable { problem }.into()
}

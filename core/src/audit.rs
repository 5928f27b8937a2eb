//! An entry of the audit log: something that was decided, and when. This is the form in which
//! entries are kept as records, and no more; what is entered is decided elsewhere.

use crate::error::{Error, Result};
use crate::idempotency::Fingerprint;
use crate::json::Json;
use crate::store::Record;
use crate::time::Timestamp;

/// The kind of the records that entries are kept in.
pub const KIND: &str = "audit";

/// Something that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What: the text of a JSON object.
    pub data: Json,
}

impl Entry {
    /// The record that keeps it. Keys sort by time, and two entries that say the same are one.
    pub fn to_record(&self) -> Record {
        let data = self.data.clone().compact();
        let digest = Fingerprint::of(KIND, data.as_str()).text();
        Record {
            kind: KIND.to_owned(),
            key: format!("{}/{digest}", self.at),
            version: 1,
            expires_at: None,
            owner: None,
            body: data.as_str().to_owned(),
        }
    }

    /// Reads the entry that a record keeps.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` when it keeps none.
    pub fn read(record: &Record) -> Result<Self> {
        let (at, _) = record.key.split_once('/').unwrap_or_default();
        let read = || {
            let data = Json::parse(record.body.clone())?;
            let at = Timestamp::parse(at)?;
            Ok(Self { at, data })
        };
        read().map_err(|_: Error| Error::StoreMisbehaved {
            method: "scan".to_owned(),
            problem: format!("the record of entry {:?} keeps none", record.key),
        })
    }
}

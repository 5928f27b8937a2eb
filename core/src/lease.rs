//! A lease: who holds what, since when and until when. This is the form in which leases are kept as
//! records, and no more; who gets one is not decided here.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::members::{Members, Params};
use crate::store::Record;
use crate::text::Text;
use crate::time::Timestamp;

/// The kind of the records that leases are kept in.
pub const KIND: &str = "lease";

/// Bytes of a key at most.
pub const MAX_KEY_BYTES: usize = 512;

/// What someone holds for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is held: any text of up to 512 bytes.
    pub key: String,
    /// Who holds it.
    pub holder: String,
    /// Since when.
    pub acquired_at: Timestamp,
    /// When the holder last said that it still does.
    pub renewed_at: Timestamp,
    /// From when on it is free, unless it is renewed; never, without.
    pub expires_at: Option<Timestamp>,
    /// Grows with each holder, so that a late write of one before can be told.
    pub token: u64,
    /// What the holder says about it: the text of a JSON object.
    pub data: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    holder: Text,
    acquired_at: Timestamp,
    renewed_at: Timestamp,
    token: u64,
    data: Json,
}

impl Params for Body {
    fn take(members: &mut Members<'_>) -> Self {
        Self {
            holder: members.take("holder"),
            acquired_at: members.take("acquired_at"),
            renewed_at: members.take("renewed_at"),
            token: members.take("token"),
            data: members.take("data"),
        }
    }
}

impl Lease {
    /// The key under which a virtual machine is held.
    pub fn vm_key(vm: &str) -> String {
        format!("vm:{vm}")
    }

    /// The key under which a process is held that has no virtual machine.
    pub fn process_key(session: &str) -> String {
        format!("process:{session}")
    }

    /// The key under which pushes of a commit are held off while its pull request runs.
    pub fn pull_request_key(commit: &str) -> String {
        format!("pr:{commit}")
    }

    /// The record that keeps it, at this version.
    pub fn to_record(&self, version: u64) -> Record {
        let body = Body {
            holder: self.holder.as_str().into(),
            acquired_at: self.acquired_at,
            renewed_at: self.renewed_at,
            token: self.token,
            data: self.data.clone().compact(),
        };
        Record {
            kind: KIND.to_owned(),
            key: self.key.clone(),
            version,
            expires_at: self.expires_at,
            owner: None,
            body: Json::of(&body).as_str().to_owned(),
        }
    }

    /// Reads the lease that a record keeps.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` when it keeps none.
    pub fn read(record: &Record) -> Result<Self> {
        let body = Body::read("lease", &record.body).map_err(|_| Error::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record of lease {:?} keeps none", record.key),
        })?;
        Ok(Self {
            key: record.key.clone(),
            holder: body.holder.into_string(),
            acquired_at: body.acquired_at,
            renewed_at: body.renewed_at,
            expires_at: record.expires_at,
            token: body.token,
            data: body.data,
        })
    }

    /// Whether it is held at this time.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
